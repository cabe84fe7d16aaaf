import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog, PowerLossDisk } from '@riskledger/embedded-log'
import { PowerLossStorage } from '@riskledger/ledger-server'
import { Random } from '@riskledger/simulation'
import { digestOf, Pipeline, policyOf } from './pipeline-in-process'
import { writeCoarsePolicy, writeScenario } from './scenario-file'

let folder: string
let file: string
let lines: number
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-power-'))
  file = join(folder, 'scenario.ndjson')
  lines = writeScenario(file)
  writeCoarsePolicy(join(folder, 'policy.yaml'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Calls `turn` between all that the process does, until told to stop. */
function everyTurn(turn: () => void): () => void {
  let running = true
  const next = (): void => {
    if (!running) return
    turn()
    setImmediate(next)
  }
  setImmediate(next)
  return () => {
    running = false
  }
}

/** Power losses of a seed: the file lasts for all of them, with flushes to spare. */
const LOSSES = 12

/** What came of a file that was screened. */
interface ScreenedThrough {
  /** Times that the power was lost while work was under way. */
  readonly lost: number
  readonly inputs: number
  readonly digest: string
}

/** Screens the file over disks that flush now and then and lose their power so many times; returns what the journal holds at the end. */
async function screenThrough(losses: number, seed: number): Promise<ScreenedThrough> {
  const random = new Random(seed)
  const policy = policyOf(join(folder, 'policy.yaml'))
  const disk = new PowerLossDisk()
  let storage = new PowerLossStorage()
  for (let life = 0; ; life++) {
    const under = storage
    const pipeline = await startFlushing(under, disk, () =>
      Pipeline.start({ folder, openStore: () => disk.open(), storage: under, file, policy }),
    )
    const flushes = life < losses ? random.between(2, 8) : Infinity
    const lost = new Promise<boolean>((resolve) => {
      let flushed = 0
      const stop = everyTurn(() => {
        const waits = under.unflushedTransactions > 0 || disk.unflushed > 0
        if (waits && flushed >= flushes) {
          stop()
          resolve(true)
          return
        }
        if (under.unflushedTransactions > 0 && random.below(3) > 0) flushed += Number((under.flush(), true))
        if (disk.unflushed > 0 && random.below(3) > 0) flushed += Number((disk.flush(), true))
      })
      void pipeline.drained.then(() => {
        stop()
        resolve(false)
      })
    })
    const powerLost = await lost
    const { acknowledgedEmissions, acknowledged } = pipeline
    const found = under.afterPowerLoss()
    disk.losePower()
    // The dead world is let go: what it still writes lands on disks that nobody will read again.
    const stop = everyTurn(() => {
      under.flush()
      disk.bury()
    })
    if (!powerLost) {
      const { inputs, digest } = await digestOf(pipeline.ledger)
      await pipeline.leave()
      stop()
      return { lost: life, inputs, digest }
    }
    await pipeline.leave()
    stop()
    storage = found
    const journal = found.streamNumber('screening-000.0000')
    if (acknowledged !== undefined) {
      expect(found.appendAtOrBefore(journal ?? -1, acknowledged.lastRevision)).toMatchObject({ firstRevision: acknowledged.firstRevision })
    }
    expect(await emissionsOn(disk)).toBeGreaterThanOrEqual(acknowledgedEmissions)
  }
}

/** Starting needs the disk too. */
async function startFlushing(storage: PowerLossStorage, disk: PowerLossDisk, start: () => Promise<Pipeline>): Promise<Pipeline> {
  const stop = everyTurn(() => {
    storage.flush()
    disk.flush()
  })
  try {
    return await start()
  } finally {
    stop()
  }
}

/** How much of the import the log would still know after a power loss now. */
async function emissionsOn(disk: PowerLossDisk): Promise<number> {
  const log = openEmbeddedLog({ folder, partitionCount: 1, readOnly: true, openStore: () => disk.open() })
  const [source] = await log.sources()
  await log.close()
  return source === undefined ? 0 : source.emissions
}

test('the power fails again and again with unflushed writes under way: nothing acknowledged is lost, and the digest is that of an undisturbed run', async () => {
  const undisturbed = await screenThrough(0, 1)
  expect(undisturbed).toMatchObject({ lost: 0, inputs: lines })
  for (const seed of [2, 3]) expect(await screenThrough(LOSSES, seed)).toEqual({ ...undisturbed, lost: LOSSES })
}, 300_000)
