import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(__dirname, '..', '..')

/** ESLint loads its configuration as a module, which Jest's sandbox cannot: so it runs in a process of its own, once for all snippets. */
const LINTER = `
  const { ESLint } = require('eslint')
  const [snippets, project] = JSON.parse(process.argv[1])
  const eslint = new ESLint({ cwd: process.cwd(), overrideConfig: { files: ['**/*.ts'], languageOptions: { parserOptions: { project } } } })
  const lint = async ({ path, code }) => (await eslint.lintText(code, { filePath: path })).flatMap((result) => result.messages.map((message) => message.ruleId ?? message.message))
  snippets.reduce(async (before, snippet) => [...(await before), await lint(snippet)], Promise.resolve([])).then((found) => console.log(JSON.stringify(found)))
`

interface Case {
  readonly what: string
  /** A file that exists, since types come from the project; its text is replaced for the test. */
  readonly path: string
  readonly code: string
  readonly found: readonly string[]
}

const core = 'libs/core/contracts/src/topics.ts'
const coreTest = 'libs/core/contracts/src/partition-for.test.ts'
const runtime = 'libs/runtime/src/check-health.ts'
const dependsOnRuntime = "import { startLoop } from '@riskledger/runtime'\nexport const start = startLoop\n"
const dependsOnCore = "import { RiskError } from '@riskledger/contracts'\nexport const error = RiskError\n"

const cases: readonly Case[] = [
  { what: 'a clock in core', path: core, code: 'export const t: number = Date.now()\n', found: ['riskledger/deterministic-core'] },
  {
    what: 'inexact arithmetic in core',
    path: core,
    code: 'export const e: number = Math.exp(1)\n',
    found: ['riskledger/deterministic-core'],
  },
  {
    what: 'a date as text in core',
    path: core,
    code: 'export const text = (moment: Date | null): string => moment?.toString() ?? String(1)\n',
    found: ['riskledger/deterministic-core'],
  },
  { what: 'a clock in a test of core', path: coreTest, code: 'export const t: number = Date.now()\n', found: [] },
  { what: 'a clock in the runtime', path: runtime, code: 'export const t: number = Date.now()\n', found: [] },
  { what: 'the runtime in core', path: core, code: dependsOnRuntime, found: ['@nx/enforce-module-boundaries'] },
  { what: 'core in the runtime', path: runtime, code: dependsOnCore, found: [] },
  {
    what: 'the inside of a package',
    path: runtime,
    code: "export { RiskError } from '@riskledger/contracts/src/risk-error'\n",
    found: ['no-restricted-imports'],
  },
  { what: 'a promise left alone', path: runtime, code: 'Promise.resolve()\n', found: ['@typescript-eslint/no-floating-promises'] },
]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'riskledger-lint-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('the configuration bites where it should, and nowhere else', async () => {
  // The types of the files that are linted, and not of all that there are: half of the time.
  const project = join(folder, 'tsconfig.json')
  const files = [...new Set(cases.map(({ path }) => join(root, path)))]
  await writeFile(
    project,
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      include: [],
      files,
      compilerOptions: { typeRoots: [join(root, 'node_modules', '@types')] },
    }),
  )
  // The rule on boundaries reads the project graph, which Nx makes; without it the rule is skipped.
  await promisify(execFile)(process.execPath, [join(root, 'node_modules', 'nx', 'dist', 'bin', 'nx.js'), 'show', 'projects'], {
    cwd: root,
    env: { ...process.env, NX_DAEMON: 'false' },
  })
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', LINTER, JSON.stringify([cases, project])], {
    cwd: root,
    // Under CI=true types would be read once, from the files as they are, and not from the texts that stand in for them here.
    env: { ...process.env, NX_DAEMON: 'false', TSESTREE_SINGLE_RUN: 'false' },
  })
  const found = JSON.parse(stdout) as string[][]
  expect(cases.map(({ what }, index) => ({ what, found: found[index] }))).toEqual(cases.map(({ what, found }) => ({ what, found })))
}, 120_000)
