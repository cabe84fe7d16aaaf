import { runCommand } from './testing/run-command'

describe('wrong use', () => {
  test.each([
    [['exprot'], "unknown command 'exprot' (Did you mean export?)"],
    [['verify', '--datadir', 'x'], "unknown option '--datadir' (Did you mean --data-dir?)"],
    [['explain'], "missing required argument 'id'"],
    [['backup'], "required option '--out <folder>' not specified"],
    [['export', '--format', 'xml'], 'Allowed choices are ndjson, csv.'],
    [['verify', 'more'], "too many arguments for 'verify'"],
    [['policy'], 'no command is named'],
    [['policy', 'chekc'], "unknown command 'chekc' (Did you mean check?)"],
    [[], 'no command is named'],
    [['export', '--out'], "option '--out <file>' argument missing"],
    [['--log-level', 'loud', 'status'], 'Allowed choices are debug, info, warn, error, silent.'],
  ])('%j prints one JSON object with --json, and ends with 2', async (argv, message) => {
    const { code, out, err } = await runCommand('--json', ...argv)
    expect(code).toBe(2)
    expect(out.trimEnd().split('\n')).toHaveLength(1)
    expect(JSON.parse(out)).toEqual({
      error: { code: 'configuration-invalid', message: expect.stringContaining(message) as string },
    })
    expect(err).toBe(`${(JSON.parse(out) as { error: { message: string } }).error.message}\n`)
  })

  test('is told as text without --json, with where to look', async () => {
    const { code, out, err } = await runCommand('exprot')
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toBe("error: unknown command 'exprot'\n(Did you mean export?)\n(riskledger --help lists the commands)\n")
  })

  test('help and version are no wrong use, also with --json', async () => {
    expect(await runCommand('--help', '--json')).toMatchObject({ code: 0, err: '' })
    expect(await runCommand('--version')).toMatchObject({ code: 0, out: '0.1.0\n' })
  })

  test('an option value that reads --json behind -- asks for nothing', async () => {
    expect((await runCommand('verify', '--', '--json')).out).toBe('')
  })
})
