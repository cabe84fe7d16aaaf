import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MAX_POLICY_LENGTH, parsePolicy, readPolicy, signalsOf, type AcceptedPolicy, type PolicyProblem } from './index'

const DEFAULT = readFileSync(join(__dirname, '..', '..', '..', '..', 'policies', 'default.yaml'), 'utf8')

function accepted(text: string): AcceptedPolicy {
  const result = parsePolicy(text)
  if (result.kind === 'rejected') throw new Error(JSON.stringify(result.problems))
  return result
}

function problemsOf(text: string): readonly PolicyProblem[] {
  const result = parsePolicy(text)
  return result.kind === 'rejected' ? result.problems : []
}

/** The default policy with one piece of text changed, and the line on which that happened. */
function changed(from: string, to: string): { readonly text: string; readonly line: number } {
  const at = DEFAULT.indexOf(from)
  if (at < 0) throw new Error(`the default policy has no ${from}`)
  return { text: DEFAULT.slice(0, at) + to + DEFAULT.slice(at + from.length), line: DEFAULT.slice(0, at).split('\n').length }
}

describe('the default policy', () => {
  test('is accepted, with its bands', () => {
    const { policy } = accepted(DEFAULT)
    expect(policy.bands.payments).toEqual({ challenge: 300, hold: 500, block: 800 })
    expect(policy.state.labelDelayMs).toBe(7 * 86_400_000)
  })

  test('names each signal once', () => {
    const codes = signalsOf(accepted(DEFAULT).policy.detectors).map((signal) => signal.code)
    expect(new Set(codes).size).toBe(codes.length)
    expect(codes).toEqual(expect.arrayContaining(['payments-in-10min', 'far-from-habit', 'unusual-hour', 'fraud-streak', 'event-alert']))
  })

  test('commits to the public test secret that it names', async () => {
    const { createHash } = await import('node:crypto')
    const secret = /secret "([^"]+)"/.exec(DEFAULT)![1]
    expect(accepted(DEFAULT).policy.randomChallenge.secretHash).toBe(createHash('sha256').update(secret).digest('hex'))
  })
})

describe('the hash of a policy', () => {
  test('does not depend on comments, layout or the order of fields', () => {
    const reordered = DEFAULT.replace('formatVersion: 1\nname: default\n', 'name:   default # the same\nformatVersion: 1\n')
    expect(reordered).not.toBe(DEFAULT)
    expect(accepted(reordered).hash).toBe(accepted(DEFAULT).hash)
  })

  test('changes with any number', () => {
    expect(accepted(changed('hold: 500', 'hold: 501').text).hash).not.toBe(accepted(DEFAULT).hash)
  })

  test('is that of canonical bytes, which read back as the same policy', () => {
    const first = accepted(DEFAULT)
    const again = readPolicy(first.canonicalBytes)
    expect(again).toEqual(first)
    expect(Buffer.from(first.canonicalBytes).toString('utf8')).toMatch(
      /^\{"formatVersion":1,"name":"default","referenceCurrency":"USD","state":\{/,
    )
  })
})

test('a policy of a journal that forgets event ids within the grace is read back all the same', () => {
  const { policy } = accepted(DEFAULT)
  const earlier = { ...policy, state: { ...policy.state, dedupeHorizonMs: 0 } }
  expect(readPolicy(Buffer.from(JSON.stringify(earlier)))).toMatchObject({ kind: 'accepted', policy: { state: { dedupeHorizonMs: 0 } } })
})

test('as many half-lives as habits can hold apart may go into the grace, and a journal may hold a policy with more', () => {
  const { policy } = accepted(changed('habitHalfLifeMs: 2592000000', 'habitHalfLifeMs: 56250').text)
  const earlier = { ...policy, state: { ...policy.state, habitHalfLifeMs: 1_000 } }
  expect(readPolicy(Buffer.from(JSON.stringify(earlier)))).toMatchObject({
    kind: 'accepted',
    policy: { state: { habitHalfLifeMs: 1_000 } },
  })
})

describe('a policy is refused, with line and field, for', () => {
  test.each([
    [
      'an unknown key',
      'graceMs: 3600000',
      'graceMs: 3600000\n  patience: 1',
      'state.patience',
      /no field here; allowed: maxSkewMs, graceMs/,
      1,
    ],
    ['a misspelt key', 'labelDelayMs:', 'labelDelayMS:', 'state.labelDelayMS', /no field here; did you mean "labelDelayMs"\?/, 0],
    [
      'a misspelt key of a detector',
      'new-device: { points: 60 }',
      'new-device: { point: 60 }',
      'detectors.account-operator-mismatch.new-device.point',
      /did you mean "points"\?/,
      0,
    ],
    ['a misspelt key in a list', 'fromPoints:', 'frompoint:', 'combinations[0].frompoint', /did you mean "fromPoints"\?/, 0],
    ['a missing key', '  maxSkewMs: 300000', '  # maxSkewMs: 300000', 'state.maxSkewMs', /is missing; allowed: a whole number/, undefined],
    ['a number that is not whole', 'hold: 500', 'hold: 500.5', 'bands.payments.hold', /whole number/, 0],
    ['a text for a number', 'block: 800', 'block: often', 'bands.payments.block', /whole number/, 0],
    [
      'a number out of range',
      'visibilityLagEpochs: 12',
      'visibilityLagEpochs: 0',
      'relations.visibilityLagEpochs',
      /allowed: 1 or more/,
      0,
    ],
    [
      'points beyond the scale',
      'new-device: { points: 60 }',
      'new-device: { points: 1001 }',
      'detectors.account-operator-mismatch.new-device.points',
      /allowed: 1000 or less/,
      0,
    ],
    ['verdicts out of order', 'hold: 500, block: 800', 'hold: 900, block: 800', 'bands.payments', /challenge <= hold <= block/, 0],
    [
      'a table that does not rise',
      '[[1, 50], [2, 250]',
      '[[1, 50], [1, 250]',
      'detectors.counterparty-reputation.fraud-streak.bands[1][0]',
      /does not lie above 1/,
      0,
    ],
    ['an empty table', '[[2, 20], [10, 120]]', '[]', 'detectors.counterparty-reputation.charged-back.bands', /at least 1/, 0],
    [
      'an unknown window',
      'window: 10min, onlyIfUnlikely: true, bands: [[8,',
      'window: 5min, onlyIfUnlikely: true, bands: [[8,',
      'detectors.velocity.counts[0].window',
      /allowed: 1min, 10min, 1h/,
      0,
    ],
    [
      'an unknown signal in a combination',
      '[payer-name-mismatch]',
      '[payer-name]',
      'combinations[2].oneOfEach[0][0]',
      /is no signal; allowed: .*payer-name-mismatch/,
      0,
    ],
    ['two signals of one name', 'code: trades-in-1h', 'code: payments-in-1h', 'detectors.velocity.counts[3].code', /names two signals/, 0],
    [
      'two combinations of one name',
      'name: card-testing',
      'name: foreign-payer-and-alert',
      'combinations[3].name',
      /names two combinations/,
      0,
    ],
    [
      'a secret instead of its hash',
      /secretHash: [0-9a-f]+/.exec(DEFAULT)![0],
      'secretHash: hunter2',
      'randomChallenge.secretHash',
      /64 hexadecimal digits/,
      0,
    ],
    ['a country that is none', '[CU, IR', '[Cuba, IR', 'detectors.access-signals.prohibitedCountries[0]', /two capital letters/, 0],
    ['a grace as long as the label delay', 'graceMs: 3600000', 'graceMs: 604800000', 'state.graceMs', /below labelDelayMs/, 0],
    [
      'event ids forgotten within the grace',
      'dedupeHorizonMs: 604800000',
      'dedupeHorizonMs: 3600000',
      'state.dedupeHorizonMs',
      /too short; allowed: above graceMs/,
      0,
    ],
    [
      'a half-life of which too many go into the grace',
      'habitHalfLifeMs: 2592000000',
      'habitHalfLifeMs: 56249',
      'state.habitHalfLifeMs',
      /too short; allowed: 56250 or more, a 64th of graceMs/,
      0,
    ],
    ['another format', 'formatVersion: 1', 'formatVersion: 2', 'formatVersion', /allowed: 1/, 0],
  ])('%s', (_name, from, to, path, message, below) => {
    const { text, line } = changed(from, to)
    const problem = problemsOf(text).find((one) => one.path === path)
    expect(problem).toMatchObject({ path, message: expect.stringMatching(message) as string })
    if (below !== undefined) expect(problem!.line).toBe(line + below)
    expect(problem!.column).toBeGreaterThan(0)
  })

  test('a key given twice', () => {
    const { text, line } = changed('  graceMs: 3600000', '  graceMs: 3600000\n  graceMs: 3600000')
    expect(problemsOf(text)).toEqual([expect.objectContaining({ line: line + 1, message: expect.stringMatching(/unique/) as string })])
  })

  test('two keys given twice, each', () => {
    const { text } = changed('  graceMs: 3600000', '  graceMs: 3600000\n  graceMs: 3600000\n  graceMs: 1')
    expect(problemsOf(text)).toHaveLength(2)
  })

  test.each([
    ['a line that is indented otherwise', '  graceMs: 3600000', ' graceMs: 3600000', /same column; .*\(15 more problems follow from it\)$/],
    ['a tab', '  graceMs: 3600000', '\tgraceMs: 3600000', /^Tabs are not allowed as indentation; .*\(15 more problems follow from it\)$/],
    ['a key without a colon', '  graceMs: 3600000', '  graceMs 3600000', /keys$/],
  ])('%s, at its first place, with what follows from it as a count', (_name, from, to, message) => {
    const { text, line } = changed(from, to)
    expect(problemsOf(text)).toEqual([expect.objectContaining({ line, path: '', message: expect.stringMatching(message) as string })])
  })

  test('an anchor or alias', () => {
    const { text, line } = changed('visibilityLagEpochs: 12', 'visibilityLagEpochs: &lag 6')
    expect(problemsOf(text)).toEqual([expect.objectContaining({ line, message: expect.stringMatching(/anchor or alias/) as string })])
  })

  test.each([
    ['1.1', '%YAML 1.1\n---\n', /^the document is YAML 1\.1; allowed: YAML 1\.2/],
    ['1.3', '%YAML 1.3\n---\n', /YAML.* 1\.3; allowed/],
  ])('YAML %s', (_version, head, message) => {
    expect(problemsOf(head + DEFAULT)).toEqual([expect.objectContaining({ line: 1, message: expect.stringMatching(message) as string })])
    expect(problemsOf(`%YAML 1.2\n---\n${DEFAULT}`)).toEqual([])
  })

  test.each([
    ['flow lists', '['.repeat(4_000)],
    ['block lists', '- '.repeat(4_000)],
  ])('nesting of %s that is too deep', (_name, text) => {
    expect(problemsOf(text)).toEqual([
      expect.objectContaining({ path: '', message: expect.stringMatching(/^is nested too deeply; allowed/) as string }),
    ])
  })

  test.each([
    ['', '', 'the document is empty; allowed: a group of fields'],
    ['- 1', '', 'the document is a list; allowed: a group of fields'],
    [changed('block: 800', 'block: often').text, 'bands.payments.block', 'is the text "often"; allowed: a whole number'],
    [changed('block: 800', 'block: 8.5').text, 'bands.payments.block', 'is the number 8.5; allowed: a whole number'],
    [changed('block: 800', 'block: [8]').text, 'bands.payments.block', 'is a list; allowed: a whole number'],
    [changed('name: default', 'name: true').text, 'name', 'is true; allowed: a text'],
    [changed('block: 800', 'block:').text, 'bands.payments.block', 'is empty; allowed: a whole number'],
  ])('a value of another type, told with it (%#)', (text, path, message) => {
    expect(problemsOf(text)).toContainEqual(expect.objectContaining({ path, message }))
  })

  test.each([
    ['nothing at all', ''],
    ['a list', '- 1\n- 2\n'],
    ['broken YAML', 'state: {'],
    ['two documents', 'a: 1\n---\nb: 2\n'],
    ['an endless text', '#'.repeat(MAX_POLICY_LENGTH + 1)],
    ['more tokens than are composed in good time', `{${'a,'.repeat(6_000)}}`],
  ])('%s', (_name, text) => {
    const problems = problemsOf(text)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems[0].line).toBeGreaterThan(0)
    expect(problems[0].message).toMatch(/allowed/)
  })

  test('too many tokens are told at the line of the first that is too many', () => {
    const [{ line, message }] = problemsOf('- 1\n'.repeat(4_000))
    expect(message).toMatch(/tokens/)
    expect(problemsOf('- 1\n'.repeat(line - 1))[0].message).not.toMatch(/tokens/)
    expect(problemsOf('- 1\n'.repeat(line))[0]).toMatchObject({ line, message })
  })

  test('too many tokens are told with how many there may be', () => {
    expect(problemsOf(`{${'a,'.repeat(6_000)}}`)[0].message).toBe(
      'the document has more than 10000 tokens up to here; allowed: at most 10000',
    )
  })
})

describe('canonical bytes are refused if', () => {
  const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

  test.each([
    ['they are no JSON', bytesOf('{')],
    ['they are no UTF-8', Uint8Array.of(0xff)],
    ['they hold another shape', bytesOf('{"formatVersion":1}')],
    ['they have spaces', bytesOf(JSON.stringify(accepted(DEFAULT).policy, null, 1))],
  ])('%s', (_name, bytes) => {
    const result = readPolicy(bytes)
    expect(result.kind).toBe('rejected')
    if (result.kind === 'rejected') expect(result.problems[0].message).toMatch(/allowed/)
  })
})
