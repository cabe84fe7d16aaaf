import { once } from 'node:events'
import type { Ledger, RecordedEntry, SubscriptionMessage } from '@riskledger/contracts'
import { emptyHead, encodeInputsScreened, screeningStream, sealEntry, ZERO_HASH, type UnsealedEntry } from '@riskledger/journal'
import { JournalWatch } from './kafka-journal-watch'

const WAIT_MS = 30_000
const HASHES = { engineHash: ZERO_HASH, policyHash: ZERO_HASH }
const TENURE: UnsealedEntry = { type: 'TenureBegan', contentType: 'json', data: Buffer.from('{}'), metadata: HASHES }

/** A batch of payments of these offsets; its inputs are left out, as they are read only while something is measured. */
function batch(firstSequence: number, [fromOffset, toOffset]: readonly [number, number]): UnsealedEntry {
  const data = encodeInputsScreened({
    firstSequence,
    tickMs: 0,
    positions: [{ topic: 0, fromOffset, toOffset }],
    gaps: [],
    factCount: 0,
    factBytes: Buffer.alloc(0),
    inputCount: 0,
    inputBytes: Buffer.alloc(0),
  })
  const lastSequence = firstSequence + toOffset - fromOffset - 1
  return { type: 'InputsScreened', contentType: 'binary', data, metadata: { ...HASHES, firstSequence, lastSequence } }
}

function recorded(entries: readonly UnsealedEntry[]): RecordedEntry[] {
  let head = emptyHead(screeningStream(0, 0))
  return entries.map((entry) => {
    const sealed = sealEntry(head, entry)
    head = sealed.head
    return { ...sealed.proposed, stream: head.stream, revision: head.revision, createdMs: 0 }
  })
}

/** Watches a journal of these entries; what the watch tells after each batch, and in the end. */
async function watched(entries: readonly UnsealedEntry[], due = { ends: [[0]], published: 0 }) {
  const batches = entries.filter(({ type }) => type === 'InputsScreened').length
  const ledger: Pick<Ledger, 'subscribeToStream'> = {
    async *subscribeToStream(_stream, { signal }): AsyncGenerator<SubscriptionMessage> {
      for (const entry of recorded(entries)) yield { kind: 'entry', entry }
      if (!signal.aborted) await once(signal, 'abort')
    },
  }
  const watch = new JournalWatch(ledger, { partitionCount: 1, environment: '' })
  const resumptions: number[] = []
  try {
    await watch.until(() => resumptions.push(watch.resumptions) > batches, WAIT_MS)
    return { inputs: watch.inputs, resumptions: resumptions.slice(1), ...watch.balance(due) }
  } finally {
    await watch.close()
  }
}

test('a record that is journaled twice is one input, and is told', async () => {
  const entries = [batch(1, [0, 4]), batch(5, [2, 4]), batch(7, [4, 6])]
  expect(await watched(entries, { ends: [[6]], published: 6 })).toMatchObject({ inputs: 6, lost: 0, duplicated: 2 })
})

test('a record that is in no journal is told', async () => {
  const entries = [batch(1, [0, 4]), batch(5, [5, 6])]
  expect(await watched(entries, { ends: [[6]], published: 6 })).toMatchObject({ inputs: 5, lost: 1, duplicated: 0 })
})

test('inputs that go on from before a take-over resume nothing, the first ones after it do', async () => {
  const entries = [TENURE, batch(1, [0, 1]), batch(2, [1, 2]), TENURE, batch(3, [2, 3])]
  expect(await watched(entries)).toMatchObject({ resumptions: [1, 1, 2] })
})
