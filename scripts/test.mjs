// npm test: every check and every test, in the order in which they are cheapest to fail. npm test -- --unit runs the unit tests alone.
// The last line is the sum: N passed, N failed, N skipped. A check counts as one.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkNodeVersion, fetchBrokerJars, installWhatIsMissing, root } from './install.mjs'
import { watchLeftovers } from './leftovers.mjs'
import { runStep } from './run-step.mjs'
import { startBrokerOfTests } from './start-broker-of-tests.mjs'

/** A step that takes longer hangs, and is ended with all that it started. */
const STEP_LIMIT_MS = 25 * 60_000

const { unit } = parseArgs({ options: { unit: { type: 'boolean', default: false } } }).values
const binary = (path) => join(root, 'node_modules', path)
const endToEnd = `^${(join(root, 'e2e') + '/').replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`

/** Two rows at a time, each on a core of its own: lint takes as long as all the rest. What a check prints is shown when it has ended. */
const CHECKS = [
  [['lint', [binary('nx/dist/bin/nx.js'), 'run-many', '-t', 'lint', '--outputStyle=stream']]],
  [
    ['generated code is fresh', [binary('tsx/dist/cli.mjs'), 'scripts/generate.ts', '--check']],
    ['schemas only grow', [binary('tsx/dist/cli.mjs'), 'scripts/check-schema-evolution.ts']],
    ['types', [binary('typescript/bin/tsc'), '--noEmit', '-p', '.']],
    ['format', [binary('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.']],
    ['unused code', [binary('knip/bin/knip.js'), '--no-progress']],
  ],
]

const UNIT = ['unit tests', ['--testPathIgnorePatterns', '\\.int\\.test\\.ts$', endToEnd]]
const SUITES = [
  UNIT,
  ['integration tests', ['--testPathPatterns', '\\.int\\.test\\.ts$', '--testPathIgnorePatterns', endToEnd]],
  ['end-to-end tests', ['--testPathPatterns', endToEnd, '--testTimeout', '300000']],
]

checkNodeVersion()
installWhatIsMissing()
if (!unit) fetchBrokerJars()

const sum = { passed: 0, failed: 0, skipped: 0 }
const results = mkdtempSync(join(tmpdir(), 'riskledger-results-'))
try {
  if (unit) await runSuite(UNIT)
  else await runAll()
} finally {
  rmSync(results, { recursive: true, force: true })
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = sum.failed === 0 ? 0 : 1

async function runAll() {
  await Promise.all(CHECKS.map(runChecks))
  // It comes up while the unit tests run.
  const broker = startBrokerOfTests(results)
  try {
    for (const suite of SUITES) await runSuite(suite, suite === UNIT ? {} : await broker.environment)
  } finally {
    await broker.close()
  }
}

async function runChecks(checks) {
  for (const [name, args] of checks) {
    const status = await step(name, args, { environment: { NX_DAEMON: 'false', NX_NO_CLOUD: 'true' }, atOnce: true })
    if (status === 0) sum.passed++
    else fail(`${name}: failed`)
  }
}

async function runSuite([name, args], environment = {}) {
  const leftovers = watchLeftovers()
  const output = join(results, `${name.replaceAll(' ', '-')}.json`)
  const jest = [binary('jest/bin/jest.js'), '--passWithNoTests', '--json', '--outputFile', output, ...args]
  const status = await step(name, jest, { environment: { ...leftovers.environment, ...environment }, stdout: 'ignore' })
  const result = readResult(output)
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites
  sum.passed += result.numPassedTests
  sum.failed += failed
  sum.skipped += result.numPendingTests + result.numTodoTests
  if (status !== 0 && failed === 0) fail(`${name}: ended with ${status}`)
  for (const line of await leftovers.collect()) fail(`${name}: ${line}`)
}

function readResult(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return { numFailedTests: 0, numRuntimeErrorTestSuites: 0, numPassedTests: 0, numPendingTests: 0, numTodoTests: 0 }
  }
}

function fail(message) {
  console.log(message)
  sum.failed++
}

/** Runs one step; resolves to its exit code, or to the name of the signal that ended it. `atOnce` shows what it prints when it has ended. */
async function step(name, args, { environment, stdout = 'inherit', atOnce = false }) {
  const startedMs = performance.now()
  if (!atOnce) console.log(`\n== ${name}`)
  const printed = []
  const status = await runStep(args, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: atOnce ? ['ignore', 'pipe', 'pipe'] : ['ignore', stdout, 'inherit'],
    limitMs: STEP_LIMIT_MS,
    onBytes: (bytes) => printed.push(bytes),
  })
  if (atOnce) process.stdout.write(`\n== ${name}\n${Buffer.concat(printed)}`)
  console.log(`== ${name}: ${status === 0 ? 'passed' : 'failed'} in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`)
  return status
}
