import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '@riskledger/simulation'
import { expectWhole, exported, runRiskledger, runToEnd, type Screened } from './run-riskledger'
import { writeCoarsePolicy, writeScenario } from './scenario-file'

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
  ['relations-snapshot-written', 1],
  // Each start sends its artifacts again; those that are stored already are answered without a commit.
  ['ledger-append-received', STARTING_APPENDS + 2],
  ['ledger-append-committed', 3],
  ['ledger-append-flushed', 3],
  ['ledger-append-acknowledged', 2],
]
/** Those that come again and again. */
const REPEATED_POINTS = NAMED_POINTS.slice(8)

/** A scenario to screen, and a folder for what comes of it. */
interface Scenario {
  readonly folder: string
  readonly file: string
  readonly policy: string
  readonly lines: number
  readonly partitions: number
}

/**
 * Kills runs of one scenario at every named moment, then at seeded ones, `kills` times in all, and restarts each: every input is there once, decided as in a
 * run that nobody disturbed.
 */
export async function killAndRestart({ partitions, kills }: { readonly partitions: number; readonly kills: number }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-kill-'))
  try {
    const [file, policy] = [join(folder, 'scenario.ndjson'), join(folder, 'policy.yaml')]
    writeCoarsePolicy(policy)
    const scenario: Scenario = { folder, file, policy, lines: writeScenario(file), partitions }
    const undisturbed = join(folder, 'undisturbed')
    const expected = await runToEnd<Screened>(screenArguments(scenario, undisturbed))
    expect(expected).toMatchObject({ inputs: scenario.lines, takenNow: scenario.lines })
    const lives = new Lives(scenario, { expected, rows: await exported(undisturbed) })
    for (const [point, hits] of NAMED_POINTS) await lives.kill((dataDir) => killedAt(scenario, { dataDir, point, hits }))
    const random = new Random(2_026, partitions)
    while (lives.kills < kills) {
      const [point, hits] = REPEATED_POINTS[random.below(REPEATED_POINTS.length)]
      const more = random.below(3)
      const afterMs = random.between(500, 1_500)
      const timed = random.below(5) === 0
      await lives.kill((dataDir) =>
        timed ? killedAfter(scenario, { dataDir, afterMs }) : killedAt(scenario, { dataDir, point, hits: hits + more }),
      )
    }
    await lives.end()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function screenArguments({ file, policy, partitions }: Scenario, dataDir: string): readonly string[] {
  return ['--data-dir', dataDir, 'screen', file, '--policy', policy, '--partitions', String(partitions)]
}

/** Runs until the named moment has come so many times and the process has killed itself; says whether it came. */
async function killedAt(
  scenario: Scenario,
  { dataDir, point, hits }: { readonly dataDir: string; readonly point: string; readonly hits: number },
): Promise<boolean> {
  const { code, signal, stderr } = await runRiskledger(['--json', ...screenArguments(scenario, dataDir)], {
    environment: { ...environment, RISKLEDGER_CRASH_AT: `${point}:${hits}` },
  })
  if (signal === 'SIGKILL') return true
  if (code !== 0) throw new Error(`killed at ${point}:${hits}, the run ended by itself with ${String(code ?? signal)}: ${stderr}`)
  return false
}

/** Runs until somebody else kills it, `afterMs` after its start. */
async function killedAfter(
  scenario: Scenario,
  { dataDir, afterMs }: { readonly dataDir: string; readonly afterMs: number },
): Promise<boolean> {
  const { code, signal, stderr } = await runRiskledger(['--json', ...screenArguments(scenario, dataDir)], {
    environment,
    onStart: (child) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
      child.on('close', () => clearTimeout(timer))
    },
  })
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`the run ended by itself with ${String(code ?? signal)}: ${stderr}`)
  return signal === 'SIGKILL'
}

/** Kills runs on one folder until its input is used up, holds that folder to the undisturbed run, and goes on with a new one. */
class Lives {
  kills = 0
  private life = 1

  constructor(
    private readonly scenario: Scenario,
    private readonly undisturbed: { readonly expected: Screened; readonly rows: readonly string[] },
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
    const { expected, rows } = this.undisturbed
    const ended = await runToEnd<Screened>(screenArguments(this.scenario, this.dataDir), { environment })
    expect(decided(ended)).toEqual(decided(expected))
    expect(await exported(this.dataDir)).toEqual(rows)
    await expectWhole(this.dataDir, this.scenario.lines)
  }

  private get dataDir(): string {
    return join(this.scenario.folder, `killed-${this.life}`)
  }
}

/** What must be the same in two runs over the same file. */
function decided(result: Screened): Partial<Screened> {
  const { inputs, screened, observed, late, duplicate, conflicting, quarantined, verdicts, journalDigest } = result
  return { inputs, screened, observed, late, duplicate, conflicting, quarantined, verdicts, journalDigest }
}
