import { RiskError, type Ledger } from '@riskledger/contracts'
import { storeArtifact } from '@riskledger/journal'
import { DEFAULT_FALLBACK, fallbackOf, type AcceptedPolicy } from '@riskledger/policy'
import { KeptLogger, MemoryLedger } from '@riskledger/testing'
import { FallbackInForce } from './fallback-in-force'
import { policyOf } from './testing/gateway-bench'

/** A policy of its own for each bound. */
function policyAllowingBelow(amountMinor: number): AcceptedPolicy {
  return policyOf((yaml) => yaml.replace('purchase: { allowBelowMinor: 10000,', `purchase: { allowBelowMinor: ${amountMinor},`))
}

const FIRST = policyAllowingBelow(1)
const SECOND = policyAllowingBelow(2)

/** A ledger that holds both policies; reading goes through `gate` first, with how many reads came before. */
async function ledgerWith(gate: (readsBefore: number) => Promise<void>): Promise<Ledger> {
  const ledger = new MemoryLedger()
  for (const policy of [FIRST, SECOND])
    await storeArtifact(ledger, { bytes: policy.canonicalBytes, mediaType: 'application/vnd.riskledger.policy+json' })
  const read = ledger.readStream.bind(ledger)
  let reads = 0
  ledger.readStream = async function* (stream, options) {
    await gate(reads++)
    yield* read(stream, options)
  }
  return ledger
}

function away(): RiskError {
  return new RiskError('ledger-unavailable', 'nobody answers', { retriable: true })
}

function following(ledger: Ledger, sleep: (delayMs: number, signal?: AbortSignal) => Promise<void>) {
  const logger = new KeptLogger()
  return { logger, fallback: new FallbackInForce({ ledger, environment: '', initial: DEFAULT_FALLBACK, logger, timers: { sleep } }) }
}

/** Sleeps until it is aborted. */
function sleepOn(_delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal!.addEventListener('abort', () => reject(new DOMException('left', 'AbortError')))
  })
}

test('a ledger that is away is asked again, with growing pauses, until it has told the policy', async () => {
  const ledger = await ledgerWith((before) => (before < 200 ? Promise.reject(away()) : Promise.resolve()))
  const pauses: number[] = []
  const { fallback, logger } = following(ledger, (delayMs) => {
    pauses.push(delayMs)
    return Promise.resolve()
  })
  await fallback.follow(FIRST.hash)
  expect(fallback.current).toEqual(fallbackOf(FIRST.policy))
  expect(pauses.slice(0, 4)).toEqual([50, 100, 200, 400])
  expect(Math.max(...pauses)).toBe(5_000)
  expect(logger.lines[0]).toMatchObject({ level: 'warn', message: 'trying again', fields: { policyHash: FIRST.hash } })
})

test('another policy ends the trying and wins', async () => {
  const ledger = await ledgerWith((before) => (before === 0 ? Promise.reject(away()) : Promise.resolve()))
  const { fallback } = following(ledger, sleepOn)
  const first = fallback.follow(FIRST.hash)
  await new Promise((resolve) => setImmediate(resolve))
  await fallback.follow(SECOND.hash)
  await first
  expect(fallback.current).toEqual(fallbackOf(SECOND.policy))
})

test('a policy whose reading ends after that of a later one does not count', async () => {
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const ledger = await ledgerWith((before) => (before === 0 ? held : Promise.resolve()))
  const { fallback } = following(ledger, sleepOn)
  const first = fallback.follow(FIRST.hash)
  await new Promise((resolve) => setImmediate(resolve))
  await fallback.follow(SECOND.hash)
  release()
  await first
  expect(fallback.current).toEqual(fallbackOf(SECOND.policy))
})

test('closing ends a pause, and what a read that is cut off says is not logged', async () => {
  const pausing = following(await ledgerWith(() => Promise.reject(away())), sleepOn)
  const paused = pausing.fallback.follow(FIRST.hash)
  await new Promise((resolve) => setImmediate(resolve))
  pausing.fallback.close()
  await paused
  expect(pausing.logger.lines).toMatchObject([{ message: 'trying again' }])

  let cutOff: () => void = () => undefined
  const held = new Promise<void>((_resolve, reject) => (cutOff = () => reject(away())))
  const reading = following(await ledgerWith(() => held), sleepOn)
  const read = reading.fallback.follow(FIRST.hash)
  reading.fallback.close()
  cutOff()
  await read
  await reading.fallback.follow(SECOND.hash)
  expect(reading.fallback.current).toBe(DEFAULT_FALLBACK)
  expect(reading.logger.lines).toEqual([])
})
