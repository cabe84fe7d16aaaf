import { RiskError, type Ledger, type RawTopic } from '@riskledger/contracts'
import type { DecisionMade } from '@riskledger/events'
import {
  batchOfSequence,
  decodeInputsScreened,
  entryAt,
  peekBackwards,
  screeningStream,
  type JournaledFact,
  type JournaledInput,
  type OpenedEntry,
} from '@riskledger/journal'
import { openInputIndex, topicsOf } from './input-index'

/** An input as the journal holds it, with where it stands and what was decided on it. */
export interface FoundInput {
  readonly partition: number
  readonly sequence: number
  readonly topic: RawTopic
  /** Its own copy. */
  readonly input: JournaledInput
  /** The facts that the journal lists with it. */
  readonly facts: readonly JournaledFact[]
  /** The `InputsScreened` entry that holds it. */
  readonly entry: OpenedEntry
  readonly decision: { readonly made: DecisionMade; readonly revision: number } | null
  /** The newest input with the same event id that was refused as a repeat, or came too late. */
  readonly again: { readonly status: string; readonly sequence: number } | null
}

/** Where to look. */
export interface FindOptions {
  readonly ledger: Ledger
  readonly dataDir: string
  readonly partitions: number
  readonly environment: string
  readonly onInputs?: (inputs: number) => void
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const SEQUENCE = /^(?:(\d{1,4})\/)?(\d{1,15})$/
const PREFIX = /^[0-9a-f-]{6,35}$/

/**
 * Finds an input by the id of its event, the id of its decision or the beginning of that (six digits or more), or by its sequence (`1041`, with
 * several partitions `2/1041`). Throws `not-found` saying what was looked for, `configuration-invalid` for what can be no id.
 */
export async function findInput(id: string, options: FindOptions): Promise<FoundInput> {
  const text = id.trim().toLowerCase()
  const sequence = SEQUENCE.exec(text)
  if (sequence !== null) {
    const partition = sequence[1] === undefined ? 0 : Number(sequence[1])
    if (sequence[1] === undefined && options.partitions > 1) {
      throw new RiskError(
        'configuration-invalid',
        `${id} is a sequence, and there are ${options.partitions} partitions: name one, as in 0/${id}.`,
        { retriable: false },
      )
    }
    return atSequence(partition, Number(sequence[2]), options)
  }
  if (UUID.test(text)) return byId(text, options)
  if (PREFIX.test(text)) return byDecisionPrefix(text, options)
  throw new RiskError(
    'configuration-invalid',
    `${id} is no event id, decision id or sequence. An id is a UUID, as riskledger export lists them.`,
    { retriable: false },
  )
}

async function byId(id: string, options: FindOptions): Promise<FoundInput> {
  const index = await openInputIndex(options)
  try {
    const decided = index.get('decision', id)
    if (decided !== undefined) return await ofDecision(decided.stream, decided.revision, options)
    const late = index.get('late', id)
    const again = index.get('again', id) ?? late
    const at = index.get('event', id) ?? late ?? index.get('refused', id) ?? again
    if (at === undefined) throw notFound(`No input and no decision has the id ${id}.`)
    const found = await atIndex(at.stream, { revision: at.revision, index: at.index }, options)
    if (again === undefined || again === at) return found
    const repeat = await atIndex(again.stream, { revision: again.revision, index: again.index }, options)
    return { ...found, again: { status: repeat.input.status, sequence: repeat.sequence } }
  } finally {
    await index.close()
  }
}

async function byDecisionPrefix(prefix: string, options: FindOptions): Promise<FoundInput> {
  const bare = prefix.replace(/-/g, '')
  const matches: { readonly stream: string; readonly revision: number; readonly id: string }[] = []
  for (let partition = 0; partition < options.partitions; partition++) {
    const stream = screeningStream(partition, 0, options.environment)
    if ((await topicsOf(options.ledger, stream)) === null) continue
    for await (const recorded of options.ledger.readStream(stream, { from: 'start', direction: 'forwards' })) {
      if (recorded.type !== 'DecisionMade') continue
      const id = (JSON.parse(Buffer.from(recorded.data).toString('utf8')) as { decisionId: string }).decisionId
      if (id.replace(/-/g, '').startsWith(bare)) matches.push({ stream, revision: recorded.revision, id })
    }
  }
  if (matches.length === 0) throw notFound(`No decision has an id that begins with ${prefix}.`)
  if (matches.length > 1) {
    const some = matches.slice(0, 3).map((match) => match.id)
    throw new RiskError(
      'configuration-invalid',
      `${matches.length} decisions have an id that begins with ${prefix}: ${some.join(', ')}${matches.length > 3 ? ', …' : ''}. Give more of it.`,
      {
        retriable: false,
      },
    )
  }
  return ofDecision(matches[0].stream, matches[0].revision, options)
}

async function ofDecision(stream: string, revision: number, options: FindOptions): Promise<FoundInput> {
  const { sequence } = JSON.parse(Buffer.from((await entryAt(options.ledger, stream, revision)).data).toString('utf8')) as DecisionMade
  for await (const { recorded, metadata } of peekBackwards(options.ledger, stream, revision - 1)) {
    if (recorded.type === 'InputsScreened')
      return atIndex(stream, { revision: recorded.revision, index: sequence - metadata.firstSequence! }, options)
  }
  throw notFound(`${stream} holds no inputs before the decision @${revision}. Run riskledger verify.`)
}

async function atSequence(partition: number, sequence: number, options: FindOptions): Promise<FoundInput> {
  const stream = screeningStream(partition, 0, options.environment)
  const batch = await batchOfSequence(options.ledger, stream, sequence)
  if (batch === null) throw notFound(`Partition ${partition} has no input with the sequence ${sequence}.`)
  return atIndex(stream, { revision: batch.recorded.revision, index: sequence - batch.metadata.firstSequence! }, options)
}

async function atIndex(
  stream: string,
  at: { readonly revision: number; readonly index: number },
  { ledger, partitions, environment }: FindOptions,
): Promise<FoundInput> {
  const entry = await entryAt(ledger, stream, at.revision)
  const topics = await topicsOf(ledger, stream)
  const batch = decodeInputsScreened(entry.data)
  let found: JournaledInput | null = null
  batch.forEachInput((input, index) => {
    if (index === at.index) found = { ...input }
  })
  if (found === null || topics === null) throw notFound(`${stream}@${at.revision} holds no input ${at.index}. Run riskledger verify.`)
  const input: JournaledInput = found
  const sequence = batch.firstSequence + at.index
  const partition = Array.from({ length: partitions }, (_, one) => one).find((one) => screeningStream(one, 0, environment) === stream) ?? 0
  const decision = input.verdict === null || input.verdict === 'allow' ? null : await decisionOf(ledger, entry, sequence)
  return {
    partition,
    sequence,
    topic: topics[input.topic],
    input,
    facts: batch.facts.filter((fact) => fact.sequence === sequence),
    entry,
    decision,
    again: null,
  }
}

/** Decisions follow the entry of their inputs, in order of sequence. */
async function decisionOf(ledger: Ledger, { stream, revision }: OpenedEntry, sequence: number): Promise<FoundInput['decision']> {
  for await (const recorded of ledger.readStream(stream, { from: revision + 1, direction: 'forwards' })) {
    if (recorded.type !== 'DecisionMade') break
    const made = JSON.parse(Buffer.from(recorded.data).toString('utf8')) as DecisionMade
    if (made.sequence !== sequence) continue
    await entryAt(ledger, stream, recorded.revision)
    return { made, revision: recorded.revision }
  }
  return null
}

function notFound(message: string): RiskError {
  return new RiskError('not-found', `${message} riskledger export lists every input with its ids.`, { retriable: false })
}
