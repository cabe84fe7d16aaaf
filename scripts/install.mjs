import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

const LEAST_NODE = [20, 19]

/** Ends the process with a clear message where this Node is too old. */
export function checkNodeVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return
  console.error(`RiskLedger needs Node ${LEAST_NODE.join('.')} or newer; this is ${process.versions.node}. Node 24 is a good choice.`)
  process.exit(1)
}

/** Installs the dependencies where they are missing or differ from package-lock.json; says so on standard error, in one line. */
export function installWhatIsMissing() {
  const why = whatIsMissing(readLock('package-lock.json'), readLock('node_modules/.package-lock.json'))
  if (why === undefined) return
  console.error(`Installing dependencies (${why}): npm ci`)
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status === 0) return
  console.error(
    'The dependencies could not be installed, for the reason above. Most often the npm registry cannot be reached; when it can, run npm ci.',
  )
  process.exit(1)
}

/**
 * Fetches the jars of the Kafka broker that tests start, where they have not been fetched; says so on standard error. Where that fails the tests that
 * need a broker tell; the others can run.
 */
export function fetchBrokerJars() {
  spawnSync(process.execPath, [join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs'), join(root, 'scripts', 'fetch-broker-jars.ts')], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
}

/**
 * Compares what is wanted with what npm notes it has installed. Content, not times: a fresh checkout may be older or newer than its modules.
 * Optional packages (binaries of other systems) may be absent.
 */
export function whatIsMissing(wanted, installed) {
  if (wanted === undefined) throw new Error('package-lock.json is missing: this is not a whole checkout')
  if (installed === undefined) return 'none installed yet'
  for (const [path, { version, link, optional }] of Object.entries(wanted.packages)) {
    if (!path.startsWith('node_modules/') || optional) continue
    const found = installed.packages[path]
    if (found === undefined) return `${path} is missing`
    if (!link && found.version !== version) return `${path} is ${found.version}, wanted ${version}`
  }
  return undefined
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  }
}
