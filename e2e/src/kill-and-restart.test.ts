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

/** Appends that every start sends before the first batch: artifacts and tenure. A first start sends a few more. */
const STARTING_APPENDS = 36

/** Every named moment, and how often it must have come: late enough that something has been done since the start. */
const NAMED_POINTS: readonly (readonly [string, number])[] = [
  ['ledger-append-received', 1],
  ['import-append-sent', 1],
  ['log-append-received', 2],
  ['log-append-committed', 2],
  ['log-append-flushed', 2],
  ['offsets-stored', 2],
  ['relations-append-sending', 1],
  ['relations-append-acknowledged', 1],
  ['decoded', 2],
  ['entry-encoded', 2],
  ['ledger-append-sending', 2],
  ['snapshot-written', 1],
  // Each start sends its artifacts again; those that are stored already are answered without a commit.
  ['ledger-append-received', STARTING_APPENDS + 2],
  ['ledger-append-committed', 3],
  ['ledger-append-flushed', 3],
  ['ledger-append-acknowledged', 2],
]
/** Those that come again and again. */
const REPEATED_POINTS = NAMED_POINTS.slice(8)

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
  [4, 16],
])(
  'killed at every named moment and at seeded others, %i partition(s), %i times: every input once, the digest of an undisturbed run',
  async (partitions, kills) => {
    const undisturbed = join(folder, `undisturbed-${partitions}`)
    const expected = await runToEnd<Screened>(screenArguments(undisturbed, partitions))
    expect(expected).toMatchObject({ inputs: lines, takenNow: lines })

    const random = new Random(2_026, partitions)
    const lives = new Lives({ folder, partitions, expected, rows: await exported(undisturbed) })
    for (const [point, hits] of NAMED_POINTS) await lives.kill((dataDir) => killedAt(point, hits, { dataDir, partitions }))
    while (lives.kills < kills) {
      const [point, hits] = REPEATED_POINTS[random.below(REPEATED_POINTS.length)]
      const more = random.below(3)
      const afterMs = random.between(500, 1_500)
      const timed = random.below(5) === 0
      await lives.kill((dataDir) =>
        timed ? killedAfter(afterMs, { dataDir, partitions }) : killedAt(point, hits + more, { dataDir, partitions }),
      )
    }
    await lives.end()
  },
  600_000,
)

/** Kills runs on one folder until its input is used up, holds that folder to the undisturbed run, and goes on with a new one. */
class Lives {
  kills = 0
  private life = 1

  constructor(
    private readonly of: {
      readonly folder: string
      readonly partitions: number
      readonly expected: Screened
      readonly rows: readonly string[]
    },
  ) {}

  /** Tries until the run was killed; one that ends by itself has used the input up. */
  async kill(attempt: (dataDir: string) => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 2; tries++) {
      if (await attempt(this.dataDir)) {
        this.kills++
        return
      }
      await this.end()
      this.life++
    }
    throw new Error('the moment came neither in what was left of the input nor in all of it')
  }

  /** Lets the run go on to its end: every input is there once, decided as in the undisturbed run. */
  async end(): Promise<void> {
    const { partitions, expected, rows } = this.of
    const ended = await runToEnd<Screened>(screenArguments(this.dataDir, partitions), { environment })
    expect(decided(ended)).toEqual(decided(expected))
    expect(await exported(this.dataDir)).toEqual(rows)
    await expectWhole(this.dataDir, lines)
  }

  private get dataDir(): string {
    return join(this.of.folder, `killed-${this.of.partitions}-${this.life}`)
  }
}

/** What must be the same in two runs over the same file. */
function decided(result: Screened): Partial<Screened> {
  const { inputs, screened, observed, late, duplicate, conflicting, quarantined, verdicts, journalDigest } = result
  return { inputs, screened, observed, late, duplicate, conflicting, quarantined, verdicts, journalDigest }
}
