import {
  decodeInputsScreened,
  decodeRelationsLearned,
  emptyHead,
  openEntry,
  readEntry,
  relationsStream,
  type LearnedFact,
} from '@riskledger/journal'
import { runRelations } from '@riskledger/relations-service'
import { MemoryLedger, MemorySnapshots } from '@riskledger/testing'
import type { ReadJournal } from './check-journal'
import { relationsRunOptions, type World } from './world'

/** What a relations stream holds. */
interface Learned {
  readonly throughEpoch: number
  readonly facts: readonly LearnedFact[]
}

/**
 * Checks the relations streams: chains whole, journals consumed in order and none of them twice, what was learned equal to what undisturbed relations
 * learn from the same journals, and every fact that a journal lists learned before, where it says.
 */
export async function checkRelations(world: World, journals: readonly ReadJournal[]): Promise<void> {
  const { feed, ledger } = world
  const undisturbed = await learnAnew(world)
  const factsAt = new Map<string, readonly LearnedFact[]>()
  for (let partition = 0; partition < feed.partitionCount; partition++) {
    const stream = relationsStream(partition)
    const learned = readStream(world, ledger.streams.entriesOf(stream), stream, factsAt)
    const expected = readStream(world, undisturbed.entriesOf(stream), stream, new Map())
    if (learned === null || expected === null) return
    if (learned.throughEpoch !== expected.throughEpoch) {
      world.problem(`${stream} is complete through epoch ${learned.throughEpoch}, undisturbed through ${expected.throughEpoch}`)
    }
    const [facts, expectedFacts] = [learned, expected].map((one) => one.facts.map(textOf))
    if (facts.join('\n') !== expectedFacts.join('\n')) {
      const at = facts.findIndex((fact, index) => fact !== expectedFacts[index])
      world.problem(`${stream}: fact ${at} of ${facts.length} is ${facts[at]}, undisturbed ${expectedFacts[at]} of ${expectedFacts.length}`)
    }
  }
  checkListed(world, journals, factsAt)
}

/** Relations over the same journals, with nothing that fails. */
async function learnAnew(world: World): Promise<MemoryLedger> {
  const ledger = new MemoryLedger()
  const journals = world.ledger.streams.all.filter(({ stream }) => stream.startsWith('screening-'))
  for (const entry of journals) await ledger.append(entry.stream, entry.revision === 0 ? 'no-stream' : entry.revision - 1, [entry])
  let left = journals.filter(({ type }) => type === 'InputsScreened').length
  const leaving = new AbortController()
  if (left === 0) return ledger
  await runRelations({
    ...relationsRunOptions(world.policies[0], world.feed.partitionCount),
    ledger,
    snapshots: new MemorySnapshots(),
    nowMs: () => 0,
    signal: leaving.signal,
    onEntry: () => {
      if (--left === 0) leaving.abort()
    },
  })
  return ledger
}

function readStream(
  world: World,
  entries: ReturnType<MemoryLedger['entriesOf']>,
  stream: string,
  factsAt: Map<string, readonly LearnedFact[]>,
): Learned | null {
  const facts: LearnedFact[] = []
  const consumed = new Map<string, number>()
  let head = emptyHead(stream)
  let throughEpoch = -1
  for (const recorded of entries) {
    const opened = openEntry(head, recorded)
    if (opened.kind === 'faulty') {
      world.problem(`${stream}@${recorded.revision}: ${opened.reason}`)
      return null
    }
    head = opened.entry.head
    const learned = decodeRelationsLearned(opened.entry.data)
    for (const { stream: journal, revision } of learned.consumed) {
      const before = consumed.get(journal) ?? -1
      if (revision <= before) world.problem(`${stream}@${recorded.revision}: ${journal}@${revision} was consumed after @${before}`)
      consumed.set(journal, revision)
    }
    facts.push(...learned.facts)
    factsAt.set(`${stream}@${recorded.revision}`, learned.facts)
    throughEpoch = Math.max(throughEpoch, learned.throughEpoch)
  }
  return { throughEpoch, facts }
}

/** Every fact that a journal lists was learned where it says, and lies in the ledger before the batch that used it. */
function checkListed(world: World, journals: readonly ReadJournal[], factsAt: ReadonlyMap<string, readonly LearnedFact[]>): void {
  const openedByStream = new Map(journals.map(({ stream, entries }) => [stream, entries]))
  const learnedBefore = new Set<string>()
  for (const entry of world.ledger.streams.all) {
    const at = `${entry.stream}@${entry.revision}`
    if (factsAt.has(at)) learnedBefore.add(at)
    if (entry.type !== 'InputsScreened') continue
    // A journal whose chain is broken was told of, and is read as far as it goes.
    const { data } = openedByStream.get(entry.stream)?.[entry.revision] ?? readEntry(entry)
    for (const { kind, keyToken, value, sourceStream, sourceRevision } of decodeInputsScreened(data).facts) {
      if (kind === 'random-challenge') continue
      const source = `${sourceStream}@${sourceRevision}`
      const same = (fact: LearnedFact): boolean =>
        fact.kind === kind && fact.keyToken === keyToken && Buffer.compare(fact.value, value) === 0
      if (learnedBefore.has(source) && factsAt.get(source)!.some(same)) continue
      world.problem(`${at} lists a fact of ${kind} ${keyToken} from ${source}, where no such fact had been learned`)
    }
  }
}

function textOf({ epoch, kind, keyToken, value }: LearnedFact): string {
  return `${epoch} ${kind} ${keyToken} ${Buffer.from(value).toString('hex')}`
}
