import type { Ledger } from '@riskledger/contracts'
import { decodeInputsScreened, decodeRelationsLearned, parseScreeningStream, readEntry } from '@riskledger/journal'

/** By kind and key the last revision of the key's relations stream that told something of it. */
type Known = Map<string, number>

/** What facts were found to be used. */
export interface FactsCheck {
  /** Facts that journals list behind a tenure that began when something was known of their keys. */
  readonly compared: number
  /** Tenures that took over from another when something was known already. */
  readonly informedTakeOvers: number
  /** In words, fifty at most; empty where everything holds. */
  readonly faults: readonly string[]
}

/**
 * Holds the facts that journals list against what relations had learned of live inputs when the tenure began: whoever takes a partition over knows as much as
 * whoever had it, so no fact that is listed later is an older one. Goes by the order in which the ledger committed.
 */
export async function checkFacts(ledger: Ledger, { environment }: { readonly environment: string }): Promise<FactsCheck> {
  const learned: Known = new Map()
  const atTenure = new Map<string, Known>()
  const faults: string[] = []
  let compared = 0
  let informedTakeOvers = 0
  for await (const entry of ledger.readAll({ streamPrefixes: [`${environment}relations-`, `${environment}screening-`] })) {
    const { stream, revision, type } = entry
    if (type === 'RelationsLearned') {
      for (const { epoch, kind, keyToken } of decodeRelationsLearned(readEntry(entry).data).facts)
        if (epoch === -1) learned.set(`${kind} ${keyToken}`, revision)
    }
    if (parseScreeningStream(stream) === null) continue
    if (type === 'TenureBegan') {
      if (atTenure.has(stream) && learned.size > 0) informedTakeOvers++
      atTenure.set(stream, new Map(learned))
    }
    if (type !== 'InputsScreened') continue
    for (const { kind, keyToken, sourceRevision, sequence } of decodeInputsScreened(readEntry(entry).data).facts) {
      const known = atTenure.get(stream)?.get(`${kind} ${keyToken}`)
      if (known === undefined) continue
      compared++
      if (sourceRevision < known && faults.length < 50)
        faults.push(
          `${stream}@${revision}, sequence ${sequence}: ${kind} ${keyToken} as of @${sourceRevision}; @${known} was there before its tenure`,
        )
    }
  }
  return { compared, informedTakeOvers, faults }
}
