import { RiskError } from '@riskledger/contracts'
import type { Policy } from '@riskledger/policy'
import { policiesInForce } from './policies-in-force'
import { policiesToBegin } from './policies-to-begin'
import { Bench, OTHER, payment, POLICY, policyOf, STREAM, types, YAML } from './testing/worker-bench'

let bench: Bench
beforeEach(() => void (bench = new Bench()))
afterEach(() => bench.stop())

test('a policy switches at a batch boundary, as an entry of its own', async () => {
  await bench.log.append([payment(1)])
  const { worker, reached } = await bench.start()
  await reached(1)
  worker.activate(OTHER)
  await bench.log.append([payment(2)])
  await reached(2)
  await worker.stop()
  const switched = types(bench.ledger).lastIndexOf('PolicyActivated')
  expect(types(bench.ledger).slice(switched - 1)).toContain('InputsScreened')
  expect(Buffer.from(bench.ledger.entriesOf(STREAM)[switched].data).toString()).toContain(OTHER.hash)
  const fold = await bench.fold()
  expect(fold.mismatchCount).toBe(0)
  expect(fold.step!.policyHash).toBe(OTHER.hash)
  const again = await bench.start({ workerId: 'w-2', policy: null })
  expect(again.worker.fold.step!.policyHash).toBe(OTHER.hash)
})

test('a policy that the journal or the process cannot go on by is refused, and the one in force stays', async () => {
  await bench.log.append([payment(1)])
  const wrongSecret = new RiskError('configuration-invalid', 'another secret', { retriable: false })
  const checkPolicy = ({ name }: Policy): void => {
    if (name === 'other') throw wrongSecret
  }
  const { worker, reached } = await bench.start({ checkPolicy })
  await reached(1)
  expect(() => worker.activate(policyOf(YAML.replace(/epochMs: \d+/, 'epochMs: 1800000')))).toThrow(
    expect.objectContaining({ code: 'policy-invalid' }) as Error,
  )
  expect(() => worker.activate(OTHER)).toThrow(wrongSecret)
  await bench.log.append([payment(2)])
  await reached(2)
  await worker.stop()
  expect(types(bench.ledger).filter((type) => type === 'PolicyActivated')).toHaveLength(1)
  expect((await bench.fold()).step!.policyHash).toBe(POLICY.hash)
})

test('a policy that is in force is not put into force again', async () => {
  await bench.log.append([payment(1)])
  const { worker, reached } = await bench.start()
  await reached(1)
  worker.activate(OTHER)
  worker.activate(POLICY)
  await bench.log.append([payment(2)])
  await reached(2)
  await worker.stop()
  expect(types(bench.ledger).filter((type) => type === 'PolicyActivated')).toHaveLength(1)
})

test('who takes a partition again after a policy was activated does not put the one of the start into force again', async () => {
  await bench.log.append([payment(1)])
  const given = { policy: POLICY, firstPolicy: null }
  const first = await bench.start(policiesToBegin(given, null))
  await first.reached(1)
  first.worker.activate(OTHER)
  await bench.log.append([payment(2)])
  await first.reached(2)
  await first.worker.stop()
  const second = await bench.start({ workerId: 'w-2', ...policiesToBegin(given, OTHER) })
  expect(second.worker.fold.step!.policyHash).toBe(OTHER.hash)
  // A journal that has none yet begins with the one of the start.
  const fresh = await new Bench().start(policiesToBegin(given, OTHER))
  expect(fresh.worker.fold.step!.policyHash).toBe(POLICY.hash)
  await fresh.worker.stop()
})

test('the policies in force are those at the ends of the journals, of a partition without one there is none', async () => {
  const inForce = (): Promise<ReadonlyMap<number, string>> => policiesInForce(bench.ledger, { environment: '', partitionCount: 2 })
  expect(await inForce()).toEqual(new Map())
  const { worker, reached } = await bench.start()
  expect(await inForce()).toEqual(new Map([[0, POLICY.hash]]))
  worker.activate(OTHER)
  await bench.log.append([payment(1)])
  await reached(1)
  expect(await inForce()).toEqual(new Map([[0, OTHER.hash]]))
})

test('a policy switches also where the ledger does not answer at first, and loses an answer', async () => {
  await bench.log.append([payment(1)])
  const { worker, reached } = await bench.start()
  await reached(1)
  const tried: string[] = []
  bench.ledger.fault = (_, [{ type }]) => {
    tried.push(type)
    return (['unavailable', 'none', 'unavailable', 'unknown-written'] as const)[tried.length - 1] ?? 'none'
  }
  worker.activate(OTHER)
  await bench.log.append([payment(2)])
  await reached(2)
  await worker.stop()
  expect(tried.slice(0, 5)).toEqual(['ArtifactStored', 'ArtifactStored', 'PolicyActivated', 'PolicyActivated', 'PolicyActivated'])
  expect(types(bench.ledger).filter((type) => type === 'PolicyActivated')).toHaveLength(2)
  expect(await bench.fold()).toMatchObject({ firstMismatch: null, inputCount: 2, mismatchCount: 0, step: { policyHash: OTHER.hash } })
})
