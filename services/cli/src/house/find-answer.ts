import { entryAt } from '@riskledger/journal'
import type { Ledger } from '@riskledger/contracts'
import { isScreened, identityOfInput } from './input-rows'
import type { FoundInput } from './find-input'

/** A caller waits for a moment only: the answer stands among this many entries after the input, or it is not looked for further. */
const ENTRIES_AFTER = 512

/** What a caller who waited for the verdict was told. */
export interface FoundAnswer {
  readonly verdict: string
  /** True where the deadline passed first and the fallback was told. */
  readonly fallback: boolean
  readonly latencyMs: number
  /** The `AnswerGiven` entry. */
  readonly revision: number
}

/**
 * What was told to a caller who waited for an input's verdict: the first answer among the entry of the input and the 512 after it. Null where
 * nobody waited; an input of a topic without verdicts has no answer and costs no look.
 */
export async function findAnswer(found: FoundInput, ledger: Ledger): Promise<FoundAnswer | null> {
  const { topic, input, entry } = found
  if (!isScreened(topic)) return null
  const { eventId } = identityOfInput(topic, input)
  if (eventId === null) return null
  const after = { from: entry.revision + 1, direction: 'forwards', maxCount: ENTRIES_AFTER } as const
  for await (const recorded of ledger.readStream(entry.stream, after)) {
    if (recorded.type !== 'AnswerGiven') continue
    const given = JSON.parse(Buffer.from(recorded.data).toString('utf8')) as Omit<FoundAnswer, 'revision'> & { readonly eventId: string }
    if (given.eventId !== eventId) continue
    await entryAt(ledger, entry.stream, recorded.revision)
    const { verdict, fallback, latencyMs } = given
    return { verdict, fallback, latencyMs, revision: recorded.revision }
  }
  return null
}
