import { RiskError, type Ledger } from '@riskledger/contracts'
import { encodeLedgerJson } from '@riskledger/events'
import { emptyHead, policiesStream, sealEntry, ZERO_HASH } from '@riskledger/journal'
import { KeptLogger, MemoryLedger } from '@riskledger/testing'
import { followPolicyRequests, policyRequestsEnd, type PolicyRequestsEnd } from './follow-policy-requests'

const STREAM = policiesStream('')
const outage = (): RiskError => new RiskError('ledger-unavailable', 'the ledger does not answer', { retriable: true })

/** A ledger whose calls fail as often as is said. Everything asked for is unknown to it, so that what was followed is told as refused. */
class FailingLedger extends MemoryLedger {
  readonly failures = { subscriptions: 0, loads: 0 }
  readonly after: (number | 'start')[] = []
  private head = emptyHead(STREAM)

  async request(hash: string): Promise<void> {
    const data = encodeLedgerJson('PolicyRequested', { policyHash: hash, requestedBy: 'desk', requestedAtMs: 1 })
    const { head, revision } = { head: this.head, revision: this.head.revision }
    const metadata = { engineHash: ZERO_HASH, policyHash: ZERO_HASH }
    const sealed = sealEntry(head, { type: 'PolicyRequested', contentType: 'json', data, metadata })
    await this.append(STREAM, revision < 0 ? 'no-stream' : revision, [sealed.proposed])
    this.head = sealed.head
  }

  override async *readStream(...[stream, options]: Parameters<Ledger['readStream']>): ReturnType<MemoryLedger['readStream']> {
    if (stream !== STREAM && this.failures.loads-- > 0) throw outage()
    yield* super.readStream(stream, options)
  }

  override subscribeToStream(...[stream, options]: Parameters<Ledger['subscribeToStream']>): ReturnType<Ledger['subscribeToStream']> {
    this.after.push(options.after)
    if (this.failures.subscriptions-- > 0) throw outage()
    return super.subscribeToStream(stream, options)
  }
}

/** Follows until `count` requests were told of. */
async function followed(
  ledger: FailingLedger,
  count: number,
  { logger = new KeptLogger(), after = 'start' }: { readonly logger?: KeptLogger; readonly after?: PolicyRequestsEnd } = {},
): Promise<readonly string[]> {
  const told: string[] = []
  const ending = new AbortController()
  await followPolicyRequests({
    ledger,
    environment: '',
    after,
    signal: ending.signal,
    activate: () => undefined,
    onRefused: (message) => {
      told.push(message.slice('Policy '.length, 'Policy '.length + 12))
      if (told.length === count) ending.abort()
    },
    logger,
  })
  return told
}

test('a ledger that does not answer is asked again, and each request is heard once', async () => {
  const ledger = new FailingLedger()
  Object.assign(ledger.failures, { subscriptions: 2, loads: 1 })
  const following = followed(ledger, 2)
  await ledger.request('a'.repeat(64))
  await ledger.request('b'.repeat(64))
  expect(await following).toEqual(['a'.repeat(12), 'b'.repeat(12)])
})

test('what is asked for between the look at where the requests end and the following is heard', async () => {
  const ledger = new FailingLedger()
  const first = await policyRequestsEnd(ledger, '')
  await ledger.request('a'.repeat(64))
  const second = await policyRequestsEnd(ledger, '')
  await ledger.request('b'.repeat(64))
  expect(await followed(ledger, 2, { after: first })).toEqual(['a'.repeat(12), 'b'.repeat(12)])
  expect(await followed(ledger, 1, { after: second })).toEqual(['b'.repeat(12)])
})

test('a follower that loses the ledger goes on after the last request that it heard', async () => {
  const ledger = new FailingLedger()
  const lost = ledger.subscribeToStream.bind(ledger)
  let lose = true
  ledger.subscribeToStream = async function* (stream, options) {
    for await (const message of lost(stream, options)) {
      yield message
      if (message.kind !== 'entry' || !lose) continue
      lose = false
      throw outage()
    }
  }
  const following = followed(ledger, 2)
  await ledger.request('a'.repeat(64))
  await ledger.request('b'.repeat(64))
  expect(await following).toEqual(['a'.repeat(12), 'b'.repeat(12)])
  expect(ledger.after).toEqual(['start', 0])
})

test('a ledger that is lost again and again is asked with pauses, not without end', async () => {
  const ledger = new FailingLedger()
  const subscribe = ledger.subscribeToStream.bind(ledger)
  let asked = 0
  ledger.subscribeToStream = async function* (stream, options) {
    asked++
    for await (const message of subscribe(stream, options)) {
      yield message
      if (asked < 4) throw outage()
    }
  }
  const logger = new KeptLogger()
  const following = followed(ledger, 1, { logger })
  while (asked < 4) await new Promise(setImmediate)
  await ledger.request('a'.repeat(64))
  await following
  expect(logger.lines.map(({ fields }) => fields)).toMatchObject(Array(3).fill({ delayMs: 50 }))
})

test('a ledger that refuses to be followed is told of at once', async () => {
  const ledger = new FailingLedger()
  ledger.subscribeToStream = () => {
    throw new RiskError('stream-deleted', 'somebody deleted it', { retriable: false })
  }
  await expect(followed(ledger, 1)).rejects.toMatchObject({ code: 'stream-deleted' })
})
