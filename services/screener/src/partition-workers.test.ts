import { RiskError } from '@riskledger/contracts'
import type { AcceptedPolicy } from '@riskledger/policy'
import { KeptLogger } from '@riskledger/testing'
import type { PartitionWorker } from './partition-worker'
import { PartitionWorkers } from './partition-workers'

/** A worker that ends when it is told to, or by the error that a test gives it. */
class FakeWorker {
  stopped = 0
  readonly fold: { readonly step: { policyHash: string } }
  begin: () => void = () => undefined
  readonly begun: Promise<void>
  readonly activated: AcceptedPolicy[] = []
  end: (error: Error) => void = () => undefined
  private finish: () => void = () => undefined
  readonly done = new Promise<void>((resolve, reject) => {
    this.finish = resolve
    this.end = reject
  })

  /** A worker that begins at once, unless the test says when. */
  constructor(
    begins: 'at once' | 'when told',
    private readonly journal: { policyHash: string } = { policyHash: 'of the start' },
  ) {
    this.fold = { step: { policyHash: journal.policyHash } }
    this.begun = new Promise((resolve) => (this.begin = resolve))
    if (begins === 'at once') this.begin()
    this.done.catch(() => undefined)
  }

  /** What it says of a policy, if it cannot go on by it. */
  refusal: Error | null = null

  readonly activate = (policy: AcceptedPolicy): void => {
    if (this.refusal !== null) throw this.refusal
    this.activated.push(policy)
    this.journal.policyHash = policy.hash
    this.fold.step.policyHash = policy.hash
  }

  stop = (): Promise<void> => {
    this.stopped++
    this.finish()
    return this.done
  }
}

const fenced = (): RiskError => new RiskError('fenced', 'another worker', { retriable: false })
const broken = (): RiskError => new RiskError('ledger-corrupt', 'broken', { retriable: false })

function bench(
  whenFenced: 'ends' | 'retakes',
  before: (partition: number, stillMine: () => boolean) => Promise<void> = async () => undefined,
  begins: 'at once' | 'when told' = 'at once',
  timing: { readonly firstBatchWaitMs?: number } = {},
) {
  /** What each journal is at, by partition. */
  const journals = Array.from({ length: 5 }, () => ({ policyHash: 'of the start' }))
  const ledger = { answers: true }
  const prepared: (number | null)[] = []
  const started: { partition: number; worker: FakeWorker }[] = []
  const logger = new KeptLogger()
  const workers = new PartitionWorkers({
    whenFenced,
    retakeDelayMs: 0,
    logger,
    onNext: (next) => prepared.push(next),
    policiesInForce: async () => {
      if (!ledger.answers) throw new RiskError('ledger-unavailable', 'away', { retriable: true })
      return new Map(journals.map(({ policyHash }, partition) => [partition, policyHash]))
    },
    ...timing,
    start: async (partition, stillMine) => {
      await before(partition, stillMine)
      const worker = new FakeWorker(begins, journals[partition])
      started.push({ partition, worker })
      return worker as unknown as PartitionWorker
    },
  })
  const startedPartitions = () => started.map(({ partition }) => partition)
  return { workers, started, startedPartitions, prepared, logger, journals, ledger }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

test('tells what comes next, and waits for the first batch of a partition before it takes the next', async () => {
  const { workers, started, startedPartitions, prepared } = bench('retakes', undefined, 'when told')
  const assigned = workers.assign([0, 1, 2])
  await until(() => started.length === 1)
  await new Promise((resolve) => setImmediate(resolve))
  expect(prepared).toEqual([1])
  expect(startedPartitions()).toEqual([0])
  started[0].worker.begin()
  await until(() => started.length === 2)
  // One that ends before it has journaled anything holds up nobody.
  started[1].worker.end(broken())
  await until(() => started.length === 3)
  await assigned
  expect(prepared).toEqual([1, 2, null])
})

test('waits for a first batch no longer than it is told to: it may wait for the next partition', async () => {
  const { workers, startedPartitions } = bench('retakes', undefined, 'when told', { firstBatchWaitMs: 1 })
  await workers.assign([0, 1])
  expect(startedPartitions()).toEqual([0, 1])
})

test('an assignment that comes during a take-over waits for no first batch, and prepares nothing that has gone', async () => {
  let take = (): void => undefined
  const taking = new Promise<void>((resolve) => (take = resolve))
  let begun = (): void => undefined
  const underWay = new Promise<void>((resolve) => (begun = resolve))
  const before = (): Promise<void> => {
    begun()
    return taking
  }
  const { workers, startedPartitions, prepared } = bench('retakes', before, 'when told', { firstBatchWaitMs: 60_000 })
  const first = workers.assign([0, 1])
  await underWay
  const second = workers.assign([0])
  take()
  await Promise.all([first, second])
  expect(startedPartitions()).toEqual([0])
  expect(prepared).toEqual([null, null])
})

test('who stops waits for no first batch', async () => {
  const { workers, started, startedPartitions } = bench('retakes', undefined, 'when told')
  const assigned = workers.assign([0, 1])
  await until(() => started.length === 1)
  await workers.stop()
  await assigned
  expect(startedPartitions()).toEqual([0])
  expect(started[0].worker.stopped).toBe(1)
})

test('takes what is assigned, leaves what is not any more, and keeps the rest', async () => {
  const { workers, started, startedPartitions } = bench('retakes')
  await workers.assign([0, 1, 2])
  await workers.assign([2, 3])
  expect(startedPartitions()).toEqual([0, 1, 2, 3])
  expect(started.map(({ worker }) => worker.stopped)).toEqual([1, 1, 0, 0])
  expect([...workers.running.keys()].sort()).toEqual([2, 3])
  await workers.stop()
  expect(started.map(({ worker }) => worker.stopped)).toEqual([1, 1, 1, 1])
})

test('the last of overlapping assignments counts, and a take-over that it overtakes fences nobody', async () => {
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const { workers, startedPartitions } = bench('retakes', async (partition, stillMine) => {
    if (partition !== 0) return
    await held
    if (!stillMine()) throw new RiskError('cancelled', 'given to another', { retriable: false })
  })
  const first = workers.assign([0])
  const second = workers.assign([1])
  release()
  await Promise.all([first, second])
  expect(startedPartitions()).toEqual([1])
  await workers.stop()
})

test('a partition that is given away and given back while its take-over ends is taken after that', async () => {
  const letGo: (() => void)[] = []
  const { workers, startedPartitions, logger } = bench('retakes', async (_, stillMine) => {
    if (letGo.length > 0) return
    const wasMine = await new Promise<boolean>((resolve) => letGo.push(() => resolve(stillMine())))
    // Winding up takes it some time.
    await new Promise<void>((resolve) => letGo.push(resolve))
    if (!wasMine) throw new RiskError('cancelled', 'given to another', { retriable: false })
  })
  const assigned = [workers.assign([0])]
  await until(() => letGo.length === 1)
  assigned.push(workers.assign([]))
  letGo[0]()
  await until(() => letGo.length === 2)
  assigned.push(workers.assign([0]))
  letGo[1]()
  await Promise.all(assigned)
  expect(startedPartitions()).toEqual([0])
  expect(logger.lines).toEqual([])
  await workers.stop()
})

test('a take-over that is cancelled by anything but another assignment ends the process', async () => {
  const { workers } = bench('retakes', async () => {
    throw new RiskError('cancelled', 'the log is closed', { retriable: false })
  })
  await expect(workers.assign([0])).rejects.toMatchObject({ code: 'cancelled' })
  await workers.stop()
})

test('a worker that is fenced ends the process where partitions are ordered by hand', async () => {
  const { workers, started } = bench('ends')
  await workers.assign([0, 1])
  started[0].worker.end(fenced())
  await expect(workers.failed).rejects.toMatchObject({ code: 'fenced' })
  await workers.stop()
  expect(started[1].worker.stopped).toBe(1)
})

test('a partition that the group still assigns here is taken again, five times without an input between', async () => {
  const { workers, started } = bench('retakes')
  await workers.assign([0])
  for (let taken = 1; taken <= 5; taken++) {
    started[taken - 1].worker.end(fenced())
    await until(() => started.length === taken + 1)
    await until(() => workers.running.size === 1)
  }
  started[5].worker.end(fenced())
  await expect(workers.failed).rejects.toMatchObject({ code: 'fenced' })
  expect(started).toHaveLength(6)
  await workers.stop()
})

test('an input journaled between makes earlier retakes count no more', async () => {
  const { workers, started } = bench('retakes')
  await workers.assign([0])
  for (let taken = 1; taken <= 8; taken++) {
    workers.progressed(0)
    started[taken - 1].worker.end(fenced())
    await until(() => started.length === taken + 1 && workers.running.size === 1)
  }
  await workers.stop()
})

test('a partition that was given away is not taken again', async () => {
  const { workers, started } = bench('retakes')
  await workers.assign([0])
  const given = workers.assign([])
  started[0].worker.end(fenced())
  await given
  await workers.stop()
  expect(started).toHaveLength(1)
})

test('any other error of a worker, or of a take-over, ends the process', async () => {
  const one = bench('retakes')
  await one.workers.assign([0])
  one.started[0].worker.end(broken())
  await expect(one.workers.failed).rejects.toMatchObject({ code: 'ledger-corrupt' })
  await one.workers.stop()

  const other = bench('retakes', async () => {
    throw broken()
  })
  await expect(other.workers.assign([0])).rejects.toMatchObject({ code: 'ledger-corrupt' })
  await expect(other.workers.failed).rejects.toMatchObject({ code: 'ledger-corrupt' })
  await other.workers.stop()
})

test('a worker that cannot append what it had is told when all are stopped', async () => {
  const { workers, started } = bench('ends')
  await workers.assign([0, 1])
  started[0].worker.stop = async () => {
    throw broken()
  }
  await expect(workers.stop()).rejects.toMatchObject({ code: 'ledger-corrupt' })
  expect(started[1].worker.stopped).toBe(1)
})

test('a policy reaches every worker', async () => {
  const { workers, started } = bench('ends')
  await workers.assign([0, 1])
  const policy = { hash: 'x' } as AcceptedPolicy
  workers.activate(policy)
  expect(started.map(({ worker }) => worker.activated)).toEqual([[policy], [policy]])
  await workers.stop()
})

describe('a policy that was activated', () => {
  const policy = { hash: 'x' } as AcceptedPolicy

  test('reaches what is being taken over, what waits to be taken again, and what comes later', async () => {
    let take = (): void => undefined
    const { workers, started } = bench('retakes', (partition) =>
      partition === 0 ? new Promise<void>((resolve) => (take = resolve)) : Promise.resolve(),
    )
    const first = workers.assign([0])
    await new Promise((resolve) => setImmediate(resolve))
    workers.activate(policy)
    take()
    await first
    await workers.assign([0, 1])
    started[1].worker.end(fenced())
    await until(() => started.length === 3 && workers.running.size === 2)
    expect(started.map(({ worker }) => worker.activated)).toEqual([[policy], [policy], [policy]])
    expect(workers.activated).toBe(policy)
    await workers.stop()
  })

  test('is not put over the one that somebody else has put into a journal since', async () => {
    const { workers, started, journals } = bench('retakes')
    await workers.assign([0])
    workers.activate(policy)
    await workers.assign([])
    for (const partition of [0, 1]) journals[partition].policyHash = 'of somebody else'
    // The last one nobody has switched.
    await workers.assign([0, 1, 2])
    expect(started.map(({ worker }) => worker.activated)).toEqual([[policy], [], [], [policy]])
    await workers.stop()
  })

  test('is not put into force again where somebody has put back the one before', async () => {
    const { workers, started, journals } = bench('retakes')
    await workers.assign([0])
    workers.activate(policy)
    await workers.assign([])
    journals[0].policyHash = 'of the start'
    await workers.assign([0])
    expect(started.map(({ worker }) => worker.activated)).toEqual([[policy], []])
    await workers.stop()
  })

  test('reaches a partition whose worker ended before it had switched', async () => {
    const { workers, started, journals } = bench('retakes')
    await workers.assign([0])
    workers.activate(policy)
    journals[0].policyHash = 'of the start'
    started[0].worker.end(fenced())
    await until(() => started.length === 2 && workers.running.size === 1)
    expect(started[1].worker.activated).toEqual([policy])
    await workers.stop()
  })

  test('reaches a partition that was being taken over by the policy of the start as it was heard', async () => {
    let take = (): void => undefined
    const { workers, started, journals } = bench('retakes', () => new Promise<void>((resolve) => (take = resolve)))
    journals[0].policyHash = 'of yesterday'
    const taking = workers.assign([0])
    await new Promise((resolve) => setImmediate(resolve))
    workers.activate(policy)
    journals[0].policyHash = 'of the start'
    take()
    await taking
    expect(started[0].worker.activated).toEqual([policy])
    await workers.stop()
  })

  test('reaches later take-overs also where the ledger did not tell what the journals were at, which is logged', async () => {
    const { workers, started, ledger, logger } = bench('retakes')
    ledger.answers = false
    workers.activate(policy)
    await workers.assign([0])
    expect(started[0].worker.activated).toEqual([policy])
    expect(logger.lines).toMatchObject([{ level: 'warn', fields: { policyHash: 'x', reason: 'away' } }])
    await workers.stop()
  })

  test('and that a worker cannot go on by is told, ends nobody, and reaches nobody later', async () => {
    const { workers, started, logger } = bench('ends')
    await workers.assign([0, 1])
    started[0].worker.refusal = new RiskError('policy-invalid', 'other epochs', { retriable: false })
    workers.activate(policy)
    expect(started.map(({ worker }) => worker.activated)).toEqual([[], [policy]])
    expect(logger.lines).toEqual([
      {
        level: 'warn',
        message: 'a policy was asked for and not put into force',
        fields: { partition: 0, policyHash: 'x', code: 'policy-invalid', reason: 'other epochs' },
      },
    ])
    await workers.assign([0, 1, 2])
    expect(started[2].worker.activated).toEqual([])
    expect(workers.activated).toBeNull()
    await workers.stop()
  })
})

test('once it stops nothing is taken any more, and nobody who stops counts as taken from', async () => {
  let take = (): void => undefined
  const { workers, started, logger } = bench('retakes', async (partition) => {
    if (partition !== 1) return
    await new Promise<void>((resolve) => (take = resolve))
    throw fenced()
  })
  await workers.assign([0])
  const taking = workers.assign([0, 1])
  await new Promise((resolve) => setImmediate(resolve))
  const stopping = workers.stop()
  const during = workers.assign([0, 2])
  take()
  await Promise.all([taking, stopping, during])
  await workers.assign([3])
  expect(started.map(({ partition, worker }) => [partition, worker.stopped])).toEqual([[0, 1]])
  expect(workers.missing).toEqual([])
  expect(logger.lines).toEqual([])
})

test('who is overtaken in a take-over of what was given away meanwhile does not try again', async () => {
  let take = (): void => undefined
  const { workers, logger } = bench('retakes', async () => {
    await new Promise<void>((resolve) => (take = resolve))
    throw fenced()
  })
  const taking = workers.assign([0])
  await new Promise((resolve) => setImmediate(resolve))
  const given = workers.assign([])
  take()
  await Promise.all([taking, given])
  expect(logger.lines).toEqual([])
  await workers.stop()
})
