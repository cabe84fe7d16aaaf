import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expectWhole, exported, runToEnd, type Screened } from './run-riskledger'
import { writeCoarsePolicy, writeScenario } from './scenario-file'

let folder: string
let file: string
let lines: number
let coarse: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-repeat-'))
  file = join(folder, 'scenario.ndjson')
  lines = writeScenario(file)
  coarse = join(folder, 'policy.yaml')
  writeCoarsePolicy(coarse)
})
afterAll(() => rmSync(folder, { recursive: true }))

test.each([1, 4])(
  'the same file into fresh folders, in large batches and in small ones, %i partition(s): the same digest',
  async (partitions) => {
    // With four partitions every epoch costs a turn of all of them.
    const policy = partitions === 1 ? [] : ['--policy', coarse]
    const screen = (name: string, environment: Readonly<Record<string, string>>): Promise<Screened> =>
      runToEnd(['--data-dir', join(folder, `${name}-${partitions}`), 'screen', file, '--partitions', String(partitions), ...policy], {
        environment,
      })
    const large = await screen('large', {})
    const small = await screen('small', { RISKLEDGER_BATCH_INPUTS: '17' })
    expect(large.inputs).toBe(lines)
    expect(small.journalDigest).toBe(large.journalDigest)
    expect(await exported(join(folder, `small-${partitions}`))).toEqual(await exported(join(folder, `large-${partitions}`)))
  },
  180_000,
)

test('again on the same folder nothing is taken twice; another file goes on after it', async () => {
  const dataDir = join(folder, 'again')
  const first = await runToEnd<Screened>(['--data-dir', dataDir, 'screen', file, '--policy', coarse])
  const again = await runToEnd<Screened>(['--data-dir', dataDir, 'screen', file])
  expect(again).toMatchObject({
    inputs: lines,
    takenNow: 0,
    screened: first.screened,
    verdicts: first.verdicts,
    journalDigest: first.journalDigest,
  })
  const other = join(folder, 'other.ndjson')
  const more = writeScenario(other, { seed: 12, startMs: 1_776_124_800_000 + 20 * 86_400_000 })
  const both = await runToEnd<Screened>(['--data-dir', dataDir, 'screen', other])
  expect(both).toMatchObject({ inputs: lines + more, takenNow: more })
  await expectWhole(dataDir, lines + more)
}, 180_000)
