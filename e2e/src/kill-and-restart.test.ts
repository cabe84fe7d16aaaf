import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '@riskledger/simulation'
import { expectWhole, exported, runRiskledger, runToEnd, type Screened } from './run-riskledger'
import { writeCoarsePolicy, writeScenario } from './scenario-file'

let folder: string
let file: string
let policy: string
let lines: number
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-kill-'))
  file = join(folder, 'scenario.ndjson')
  policy = join(folder, 'policy.yaml')
  lines = writeScenario(file)
  writeCoarsePolicy(policy)
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Small batches and snapshots, so that there are many moments between two of anything. */
const environment = { RISKLEDGER_BATCH_INPUTS: '64', RISKLEDGER_SNAPSHOT_INPUTS: '150' }

/** Appends that every start makes before the first batch: artifacts and tenure. A first start makes a few more. */
const STARTING_APPENDS = 36

/** Every named moment, in the order in which a run first comes by, and from which hit on a later run has something new to do there. */
const NAMED_POINTS: readonly (readonly [string, number])[] = [
  ['ledger-append-received', 1],
  ['import-append-sent', 1],
  ['log-append-received', 2],
  ['log-append-committed', 2],
  ['log-append-flushed', 2],
  ['offsets-stored', 2],
  ['decoded', 2],
  ['entry-encoded', 2],
  ['ledger-append-sending', 2],
  ['ledger-append-received', STARTING_APPENDS + 2],
  ['ledger-append-committed', STARTING_APPENDS + 2],
  ['ledger-append-flushed', STARTING_APPENDS + 2],
  ['ledger-append-acknowledged', 2],
  ['relations-append-sending', 1],
  ['relations-append-acknowledged', 1],
  ['snapshot-written', 1],
]
const REPEATED_POINTS = [
  'decoded',
  'entry-encoded',
  'ledger-append-sending',
  'ledger-append-acknowledged',
  'ledger-append-received',
  'ledger-append-flushed',
]

const screenArguments = (dataDir: string, partitions: number): string[] => [
  '--data-dir',
  dataDir,
  'screen',
  file,
  '--policy',
  policy,
  '--partitions',
  String(partitions),
]

/** Runs until the named moment has come so many times and the process has killed itself; says whether it came. */
async function killedAt(point: string, hits: number, run: { readonly dataDir: string; readonly partitions: number }): Promise<boolean> {
  const { code, signal, stderr } = await runRiskledger(['--json', ...screenArguments(run.dataDir, run.partitions)], {
    environment: { ...environment, RISKLEDGER_CRASH_AT: `${point}:${hits}` },
  })
  if (signal === 'SIGKILL') return true
  if (code !== 0) throw new Error(`killed at ${point}:${hits}, the run ended by itself with ${String(code ?? signal)}: ${stderr}`)
  return false
}

/** Runs until somebody else kills it, `afterMs` after its start. */
async function killedAfter(afterMs: number, run: { readonly dataDir: string; readonly partitions: number }): Promise<boolean> {
  const { code, signal, stderr } = await runRiskledger(['--json', ...screenArguments(run.dataDir, run.partitions)], {
    environment,
    onStart: (child) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
      child.on('close', () => clearTimeout(timer))
    },
  })
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`the run ended by itself with ${String(code ?? signal)}: ${stderr}`)
  return signal === 'SIGKILL'
}

test.each([
  [1, 26],
  [4, 18],
])(
  'killed at every named moment and at seeded others, %i partition(s), %i times: every input once, the digest of an undisturbed run',
  async (partitions, kills) => {
    const undisturbed = join(folder, `undisturbed-${partitions}`)
    const expected = await runToEnd<Screened>(screenArguments(undisturbed, partitions))
    expect(expected).toMatchObject({ inputs: lines, takenNow: lines })

    const random = new Random(2_026, partitions)
    const run = { dataDir: join(folder, `killed-${partitions}`), partitions }
    const notReached = new Set(NAMED_POINTS.map(([point]) => point))
    let killed = 0
    for (const [point, hits] of NAMED_POINTS) {
      if (!(await killedAt(point, hits, run))) continue
      killed++
      notReached.delete(point)
    }
    // What is left of the input shrinks from kill to kill: a moment may not come so often any more.
    for (let attempt = 0; killed < kills && attempt < 2 * kills; attempt++) {
      const dice = random.below(8)
      if (dice === 0) killed += Number(await killedAfter(random.between(300, 1_500), run))
      else {
        const point = REPEATED_POINTS[random.below(REPEATED_POINTS.length)]
        const hits =
          random.between(1, 3) + (point.startsWith('ledger-append-received') || point === 'ledger-append-flushed' ? STARTING_APPENDS : 0)
        killed += Number(await killedAt(point, hits, run))
      }
    }
    expect([...notReached]).toEqual([])
    expect(killed).toBe(kills)

    const ended = await runToEnd<Screened>(screenArguments(run.dataDir, partitions), { environment })
    expect(ended).toEqual({ ...expected, ...volatile(ended) })
    expect(await exported(run.dataDir)).toEqual(await exported(undisturbed))
    await expectWhole(run.dataDir, lines)
  },
  300_000,
)

/** What may differ between two runs that decided the same. */
function volatile(result: Screened): Partial<Screened> {
  const { inputs, screened, observed, late, duplicate, conflicting, quarantined, journalDigest, verdicts, ...rest } = result as Screened & {
    verdicts: unknown
  }
  return rest
}
