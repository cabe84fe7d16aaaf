import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import type { EventLog } from '@riskledger/contracts'
import { openEmbeddedLog } from './embedded-log'
import { fetchAll, proposedRecord } from './event-log-contract'
import { PowerLossDisk } from './power-loss-log-store'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('an append on a disk that loses power', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'riskledger-log-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })
  const openOn = (disk: PowerLossDisk): EventLog => openEmbeddedLog({ folder, partitionCount: 1, openStore: () => disk.open() })
  const progress = (emissions: number) => ({ sourceId: 's', emissions, orderTimeMs: 0, startedAtMs: 0, done: false })

  test('is not acknowledged, and not seen by a reader, before it is flushed', async () => {
    const disk = new PowerLossDisk()
    const log = openOn(disk)
    let acknowledged = false
    const appended = log.append([proposedRecord({})]).then(() => (acknowledged = true))
    await turn()
    expect(disk.unflushed).toBe(1)
    expect(acknowledged).toBe(false)
    expect(await log.range('payments', 0)).toEqual({ start: 0, end: 0 })
    disk.flush()
    await appended
    expect(await log.range('payments', 0)).toEqual({ start: 0, end: 1 })
    await log.close()
  })

  test.each([1, 2, 3, 5, 8, 13, 21])('keeps everything acknowledged and nothing half, lost at step %i', async (lossStep) => {
    const disk = new PowerLossDisk()
    let log = openOn(disk)
    let acknowledged = 0
    for (let step = 1; step <= lossStep; step++) {
      const emissions = step * 3
      void log
        .append(
          [0, 1, 2].map((i) => proposedRecord({ value: Uint8Array.of(step, i) })),
          progress(emissions),
        )
        .then(() => (acknowledged = emissions))
      await turn()
      if (step % 4 === 0) {
        disk.flush()
        await turn()
      }
    }
    disk.losePower()
    log = openOn(disk)
    const kept = (await fetchAll(log, { topic: 'payments', partition: 0 })).length
    expect(kept).toBeGreaterThanOrEqual(acknowledged)
    expect(kept % 3).toBe(0)
    expect((await log.sources())[0]?.emissions ?? 0).toBe(kept)
  })

  test('fails as a whole where the disk fails, and the next one goes through', async () => {
    const disk = new PowerLossDisk()
    const log = openOn(disk)
    const first = log.append([proposedRecord({})], progress(1))
    await turn()
    const second = log.append([proposedRecord({})], progress(2))
    disk.fail(new RiskError('disk-full', 'full', { retriable: false }))
    await expect(first).rejects.toMatchObject({ code: 'disk-full' })
    await turn()
    disk.flush()
    expect(await second).toEqual([0])
    expect(await log.sources()).toEqual([progress(2)])
    await log.close()
  })
  test('that began a source and failed leaves its place to the next source', async () => {
    const disk = new PowerLossDisk()
    const log = openOn(disk)
    const first = log.append([], progress(1))
    await turn()
    disk.fail(new RiskError('disk-full', 'full', { retriable: false }))
    await expect(first).rejects.toMatchObject({ code: 'disk-full' })
    for (const source of [{ ...progress(2), sourceId: 'other' }, progress(3)]) {
      const appended = log.append([], source)
      await turn()
      disk.flush()
      await appended
    }
    expect(await log.sources()).toEqual([{ ...progress(2), sourceId: 'other' }, progress(3)])
    await log.close()
  })
})
