import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDecisionIndex } from '@riskledger/snapshots'
import type { Habit } from '../house/habit-of'
import { EMBEDDED, openHouse, type House } from '../house/open-house'
import { runCommand, runJson } from '../testing/run-command'
import { screenSmallScenario, temporaryFolder } from '../testing/small-scenario'

interface Row {
  readonly sequence: number
  readonly topic: string
  readonly eventId: string | null
  readonly accountId: string | null
  readonly status: string
  readonly verdict: string | null
  readonly score: number | null
  readonly reasons: readonly string[]
  readonly partition: number
  readonly offset: number
  readonly lateByMs: number | null
  readonly firstSequence: number | null
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let dataDir: string
let screened: { readonly inputs: number; readonly verdicts: Record<string, number> } & Record<string, number>
let rows: readonly Row[]
/** Most tests read through a process that holds the folder, as beside a running riskledger up; some with nobody at work. */
let holder: House

beforeAll(async () => {
  folder = await temporaryFolder()
  const scenario = await screenSmallScenario<typeof screened>(folder.path)
  const { run } = scenario
  dataDir = scenario.dataDir
  expect(run.code).toBe(0)
  screened = run.value
  const { out } = await runCommand('export', '--data-dir', dataDir)
  rows = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
  expect((await runJson('status', '--data-dir', dataDir)).value).toMatchObject({ heldBy: null, inputs: rows.length })
  holder = await openHouse({ ...EMBEDDED, dataDir, command: 'riskledger up' })
})

afterAll(async () => {
  await holder.close()
  const allowed = rows.find((row) => row.verdict === 'allow')!
  expect((await runJson('explain', allowed.eventId!, '--data-dir', dataDir)).value).toMatchObject({ verdict: 'allow', evidence: 'folded' })
  await folder.remove()
})

function rowOf(find: (row: Row) => boolean): Row {
  const row = rows.find(find)
  expect(row).toBeDefined()
  return row!
}

describe('export', () => {
  test('writes every input once, in the order of the journal', () => {
    expect(rows.map((row) => row.sequence)).toEqual(Array.from({ length: screened.inputs }, (_, index) => index + 1))
  })

  test('agrees with what screen counted', () => {
    for (const status of ['screened', 'observed', 'late', 'duplicate', 'conflicting', 'quarantined']) {
      expect([status, rows.filter((row) => row.status === status).length]).toEqual([status, screened[status]])
    }
    for (const [verdict, count] of Object.entries(screened.verdicts))
      expect(rows.filter((row) => row.verdict === verdict)).toHaveLength(count)
    expect(new Set(rows.map((row) => row.status)).size).toBe(6)
  })

  test('gives reasons to every verdict but allow, and to what is quarantined', () => {
    for (const row of rows)
      expect([row.sequence, row.reasons.length > 0]).toEqual([
        row.sequence,
        row.status === 'quarantined' || (row.verdict !== null && row.verdict !== 'allow'),
      ])
  })

  test('filters by status and verdict', async () => {
    const { out } = await runCommand('export', '--data-dir', dataDir, '--verdict', 'hold', '--status', 'screened')
    expect(out.trim().split('\n')).toHaveLength(screened.verdicts.hold)
    expect((await runCommand('export', '--data-dir', dataDir, '--status', 'duplicate')).out.trim().split('\n')).toHaveLength(1)
  })

  test('writes CSV to a file named so, whole, and says so as one object', async () => {
    const file = join(folder.path, 'rows.csv')
    const { value } = await runJson('export', '--data-dir', dataDir, '--out', file)
    expect(value).toEqual({ file, format: 'csv', inputs: rows.length, rows: rows.length })
    const lines = (await readFile(file, 'utf8')).split('\r\n')
    expect(lines[0]).toBe('sequence,topic,eventId,accountId,status,verdict,score,reasons,partition,offset,lateByMs,firstSequence')
    expect(lines).toHaveLength(rows.length + 2)
  })

  test('writes over no file unless told to', async () => {
    const file = join(folder.path, 'mine.csv')
    await writeFile(file, 'mine')
    const { code, err } = await runCommand('export', '--data-dir', dataDir, '--out', file)
    expect(code).toBe(2)
    expect(err).toBe(`${file} is there already. Choose another name with --out, or write over it with --force.\n`)
    expect(await readFile(file, 'utf8')).toBe('mine')
    expect((await runCommand('export', '--data-dir', dataDir, '--out', file, '--force', '--format', 'ndjson')).code).toBe(0)
    expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(rows.length)
  })

  test('refuses wrong flags, and JSON without a place for the rows', async () => {
    expect((await runCommand('export', '--data-dir', dataDir, '--status', 'lost')).code).toBe(2)
    expect((await runCommand('export', '--data-dir', dataDir, '--format', 'xml')).code).toBe(2)
    const { code, err } = await runCommand('export', '--data-dir', dataDir, '--json')
    expect(code).toBe(2)
    expect(err).toContain('--out')
  })

  test('names a file that it cannot write', async () => {
    const { code, err } = await runCommand('export', '--data-dir', dataDir, '--out', join(folder.path, 'none', 'rows.ndjson'))
    expect(code).toBe(2)
    expect(err).toMatch(/none\/rows\.ndjson: cannot be written \(there is no such folder\)\. Choose another place\.\n$/)
    const { err: onFolder } = await runCommand('export', '--data-dir', dataDir, '--out', folder.path, '--force')
    expect(onFolder).toBe(`${folder.path}: cannot be written (it is a folder). Choose another place.\n`)
  })
})

describe('explain', () => {
  test('tells a recorded decision by its event, its decision, the beginning of its decision and its sequence alike', async () => {
    const row = rowOf(({ verdict }) => verdict === 'hold')
    const byEvent = (
      await runJson<{
        decisionId: string
        evidence: string
        reasonCodes: string[]
        scorePoints: number
        verdict: string
        signals: { sentence: string; points: number }[]
      }>('explain', row.eventId!, '--data-dir', dataDir)
    ).value
    expect(byEvent).toMatchObject({ verdict: 'hold', evidence: 'recorded', scorePoints: row.score, reasonCodes: row.reasons })
    expect(byEvent.signals.every((signal) => signal.sentence.length > 10)).toBe(true)
    for (const id of [byEvent.decisionId, byEvent.decisionId.slice(0, 13), String(row.sequence)]) {
      expect((await runJson('explain', id, '--data-dir', dataDir)).value).toEqual(byEvent)
    }
  })

  test('prints it for a person', async () => {
    const row = rowOf(({ verdict, topic }) => verdict === 'hold' && topic !== 'logins')
    const { out } = await runCommand('explain', row.eventId!, '--data-dir', dataDir)
    expect(out).toMatch(/^HOLD {3}\w+ \S+ of account a-\d+ {3}\+?[$€£A-Z]/)
    expect(out).toContain(`score ${row.score} of 1,000 (hold from 500)`)
    expect(out).toMatch(/\n {2}Policy {5}[0-9a-f]{12}… \(default\), active since screening-000\.0000@2\n/)
    expect(out).toMatch(new RegExp(`\\n {2}Input {6}screening-000\\.0000@\\d+, sequence ${row.sequence} · ${row.topic}/0@`))
    expect(out).toMatch(/\n {2}Repeat it {2}npx riskledger --data-dir \S+ replay --at screening-000\.0000@\d+\n$/)
  })

  test('folds the journal for an allowed input, and says so', async () => {
    const row = rowOf(({ verdict, topic, score }) => verdict === 'allow' && topic === 'payments' && score! > 0)
    const { value } = await runJson<{ signals: { points: number }[]; combinations: { points: number }[] }>(
      'explain',
      row.eventId!,
      '--data-dir',
      dataDir,
    )
    expect(value).toMatchObject({ verdict: 'allow', evidence: 'folded', decisionId: null, scorePoints: row.score })
    const sum = [...value.signals, ...value.combinations].reduce((total, { points }) => total + points, 0)
    expect(Math.max(0, sum)).toBe(row.score)
    expect((await runCommand('explain', row.eventId!, '--data-dir', dataDir)).out).toContain('the journal was folded up to this input')
  })

  test('the fold finds for a decision what is recorded', async () => {
    const row = rowOf(({ verdict }) => verdict === 'block' || verdict === 'hold')
    const recorded = (await runCommand('explain', row.eventId!, '--data-dir', dataDir)).out
    const folded = (await runCommand('explain', row.eventId!, '--fold', '--data-dir', dataDir)).out
    expect(folded).toContain('Pace ')
    expect(folded.split('\n').filter((line) => /^ +[+-]?\d+ {2}/.test(line))).toEqual(
      recorded.split('\n').filter((line) => /^ +[+-]?\d+ {2}/.test(line)),
    )
  })

  test('with --json the habit that the text shows, and none where the journal was not folded', async () => {
    const row = rowOf(({ verdict, topic }) => (verdict === 'block' || verdict === 'hold') && topic !== 'logins')
    const { out } = await runCommand('explain', row.eventId!, '--fold', '--data-dir', dataDir)
    const { value } = await runJson<{ habit: Habit }>('explain', row.eventId!, '--fold', '--data-dir', dataDir)
    const { pace, hours } = value.habit
    expect(out).toMatch(new RegExp(`Pace {7}${pace.in10min} \\w+ in 10 min, ${pace.in1d} in 1 d, ${pace.in30d} in 30 d; usual `))
    expect(out).toContain(`usual ${(pace.usualPerDayMilli / 1000).toFixed(1)} a day`)
    expect(out).toContain(`${String(hours.localHour).padStart(2, '0')}h holds ${(hours.sharePpm / 10_000).toFixed(1)} %`)
    expect(out.includes('  Amounts ')).toBe(value.habit.amounts !== null)
    expect((await runJson('explain', row.eventId!, '--data-dir', dataDir)).value).toMatchObject({ evidence: 'recorded', habit: null })
    const late = rowOf(({ status }) => status === 'late')
    expect((await runJson('explain', late.eventId!, '--fold', '--data-dir', dataDir)).value).toMatchObject({ habit: null })
    const allowed = rowOf(({ verdict }) => verdict === 'allow')
    expect((await runJson('explain', allowed.eventId!, '--data-dir', dataDir)).value).toMatchObject({
      evidence: 'folded',
      habit: { pace: { in30d: expect.any(Number) as number } },
    })
  })

  test('points from a duplicate and a conflicting input at the first, and from the first at them', async () => {
    for (const status of ['duplicate', 'conflicting']) {
      const row = rowOf((one) => one.status === status)
      const { out } = await runCommand('explain', String(row.sequence), '--data-dir', dataDir)
      expect(out).toContain(status.toUpperCase())
      expect(out).toContain(`riskledger explain ${row.firstSequence}`)
      expect((await runJson('explain', row.eventId!, '--data-dir', dataDir)).value).toMatchObject({
        status: 'screened',
        again: { status: 'conflicting' },
      })
    }
  })

  test('tells a late, an observed and a quarantined input', async () => {
    const late = rowOf(({ status }) => status === 'late')
    expect((await runJson('explain', late.eventId!, '--data-dir', dataDir)).value).toMatchObject({
      status: 'late',
      verdict: null,
      lateByMs: late.lateByMs,
    })
    const observed = rowOf(({ status }) => status === 'observed')
    expect((await runCommand('explain', observed.eventId!, '--data-dir', dataDir)).out).toContain('no verdict of their own')
    const quarantined = rowOf(({ status }) => status === 'quarantined')
    expect((await runCommand('explain', String(quarantined.sequence), '--data-dir', dataDir)).out).toMatch(
      /QUARANTINED {3}record unparsable\/0@0\n\n {2}not-json: the line is not JSON/,
    )
  })

  test.each([
    ['ffffffff-0000-4000-8000-000000000000', /No input and no decision/],
    ['ffffff', /No decision has an id that begins/],
    ['no id', /no event id, decision id or sequence/],
    ['999999', /no input with the sequence/],
  ])('refuses %s', async (id, message) => {
    const { code, err, out } = await runCommand('explain', id, '--data-dir', dataDir, '--json')
    expect(code).toBe(2)
    expect(err).toMatch(message)
    expect(JSON.parse(out)).toHaveProperty('error.code')
  })

  test.each([
    [
      'was cut short',
      (bytes: Buffer) => bytes.subarray(0, 5_000),
      /index\/data\.mdb is cut short: .* It is a cache: it was thrown away and is built anew\./,
    ],
    [
      'has noise for a header',
      (bytes: Buffer) => bytes.fill('noise', 0, 8_192),
      /index\/data\.mdb has a damaged header: .* is built anew\./,
    ],
    ['has no byte', () => Buffer.alloc(0), /^$/],
  ])('builds its index anew where its file %s', async (_what, damage, told) => {
    const file = join(dataDir, 'cache', 'index', 'data.mdb')
    const before = (await runCommand('explain', rows[5].eventId!, '--data-dir', dataDir)).out
    await writeFile(file, damage(await readFile(file)))
    const { code, out, err } = await runCommand('explain', rows[5].eventId!, '--data-dir', dataDir)
    expect({ code, out }).toEqual({ code: 0, out: before })
    expect(err).toMatch(told)
  })

  test('goes on without a snapshot that is damaged, and says so', async () => {
    const file = join(dataDir, 'cache', 'snapshots', 'screening-000.0000.0000000001')
    const row = rowOf(({ verdict }) => verdict === 'allow')
    await writeFile(file, 'noise')
    const { code, err } = await runCommand('explain', row.eventId!, '--data-dir', dataDir)
    await rm(file)
    expect(code).toBe(0)
    expect(err).toContain('A snapshot of screening-000.0000 is damaged and was left out (5 bytes); the journal is folded instead.')
    expect((await runCommand('explain', row.eventId!, '--data-dir', dataDir)).err).toBe('')
  })

  test('builds its index anew where it runs ahead of the journals', async () => {
    const index = openDecisionIndex({ folder: join(dataDir, 'cache', 'index') })
    await index.put([], { stream: 'screening-000.0000', revision: 1_000_000, entryHash: '5'.repeat(64) })
    await index.close()
    expect((await runCommand('explain', rows[5].eventId!, '--data-dir', dataDir)).code).toBe(0)
  })

  test('builds its index anew where it is of other journals, however far those went', async () => {
    const eventId = rows[5].eventId!
    const folder = join(dataDir, 'cache', 'index')
    await rm(folder, { recursive: true })
    const index = openDecisionIndex({ folder })
    const position = { stream: 'screening-000.0000', revision: 3, index: 0 }
    await index.put([{ key: Buffer.from(eventId.replaceAll('-', ''), 'hex'), position }], {
      stream: 'screening-000.0000',
      revision: 4,
      entryHash: '5'.repeat(64),
    })
    await index.close()
    expect((await runJson('explain', eventId, '--data-dir', dataDir)).value).toMatchObject({ eventId })
  })
})

describe('status', () => {
  test('tells counts, positions, lag, policy and bytes as one object', async () => {
    const { value, code } = await runJson<{
      partitions: { stream: string; revision: number; streamTimeMs: number; lag: { lagMessages: number; logEnd: number }[] }[]
      bytes: Record<string, number>
    }>('status', '--data-dir', dataDir)
    expect(code).toBe(0)
    expect(value).toMatchObject({
      inputs: screened.inputs,
      lagMessages: 0,
      heldBy: { pid: process.pid, command: 'riskledger up', connectionString: holder.connectionString },
      verdicts: screened.verdicts,
      policy: { name: 'default', since: 'screening-000.0000@2' },
    })
    expect(value.partitions).toHaveLength(1)
    expect(value.partitions[0].lag.reduce((sum, topic) => sum + topic.logEnd, 0)).toBe(screened.inputs)
    expect(value.partitions[0].streamTimeMs).toBeGreaterThan(1_700_000_000_000)
    expect(value.bytes.log).toBeGreaterThan(0)
  })

  test('counts on from what it kept, and counts anew where that is damaged or of another journal', async () => {
    const file = join(dataDir, 'cache', 'counts', 'screening-000.0000.json')
    const { value } = await runJson('status', '--data-dir', dataDir)
    const kept = await readFile(file, 'utf8')
    for (const text of [
      '{',
      '',
      'null',
      '{"format":1}',
      kept.replace(/"entryHash":"[0-9a-f]{4}/, '"entryHash":"0000'),
      kept.replace('"revision":', '"revision":9'),
    ]) {
      await writeFile(file, text)
      expect((await runJson<{ statuses: unknown }>('status', '--data-dir', dataDir)).value.statuses).toEqual(value.statuses)
    }
  })

  test('tells it to a person', async () => {
    const { out } = await runCommand('status', '--data-dir', dataDir)
    for (const word of ['folder', 'at work     process ', 'policy', 'verdicts', 'partition 0', 'lag       none', 'relations', 'disk'])
      expect(out).toContain(word)
  })
})

test.each([['export'], ['explain', '1'], ['status'], ['policy', 'show']])('%s says where there is no data folder', async (...argv) => {
  const { code, err } = await runCommand(...argv, '--data-dir', join(folder.path, 'nowhere'))
  expect(code).toBe(2)
  expect(err).toContain('is not a data folder of RiskLedger')
})
