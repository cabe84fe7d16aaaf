'use strict'
const { createHash } = require('node:crypto')
const { copyFileSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs')
const { join, relative } = require('node:path')
const { findBundle, forgetOthers, inBundleHome, keepUsed } = require('./bundle-home.js')

const ROOT = join(__dirname, '..', '..', '..')
const SOURCES = ['libs', 'services', 'bench']
const COMPILE_CACHE = require.resolve('./compile-cache.js')
/** Packages with native parts: they stay where they are installed. */
const NATIVE = ['lmdb']
/** Besides those, what bundles and tests alone load. */
const EXTERNAL = [...NATIVE, 'esbuild', 'testcontainers']

/** Lists the packages that are in the bundles: who ships those ships their licences. */
const PACKAGES_FILE = 'packages.json'

/**
 * Bundles TypeScript entry points to plain JavaScript, once for each state of the sources, and returns the folder that holds `<name>.js` for each, and the list of the packages in them.
 * One scope instead of hundreds of modules: threads start in a tenth of the time, and hot loops reach imported names directly.
 *
 * @param {Record<string, string>} entries names and paths from the repository's root
 * @param {{ readonly compileCache?: boolean }} options whether what V8 makes of them is kept beside them, for the next process and thread:
 *   where the executable runs, and not in an image, whose files nobody may write
 * @returns {Promise<string>}
 */
async function bundle(entries, { compileCache = false } = {}) {
  const key = keyOf({ entries, compileCache })
  const folder = await inBundleHome(ROOT, (home) => bundleTo(join(home, key), { entries, compileCache }))
  keepUsed(folder)
  return folder
}

async function bundleTo(folder, { entries, compileCache }) {
  if (findBundle(folder)) return folder
  const draft = mkdtempSync(`${folder}-`)
  try {
    const { metafile } = await require('esbuild').build({
      absWorkingDir: ROOT,
      entryPoints: entries,
      outdir: draft,
      bundle: true,
      metafile: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      // What stays outside can be required, and a script without import() is one whose compiled form can be kept.
      supported: { 'dynamic-import': false },
      external: EXTERNAL,
      define: { 'process.env.RISKLEDGER_BUNDLED': '"yes"' },
      logLevel: 'error',
    })
    writeFileSync(join(draft, PACKAGES_FILE), JSON.stringify(packagesIn(metafile)))
    if ('riskledger' in entries) await require('esbuild').build({ ...ENGINE, absWorkingDir: ROOT, outfile: join(draft, 'engine.js') })
    if (compileCache) addCompileCache(draft, Object.keys(entries))
    try {
      renameSync(draft, folder)
    } catch (error) {
      // Another process was faster with the same sources.
      if (!existsSync(folder)) throw error
    }
    forgetOthers(folder)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return folder
}

/** The folders of the packages whose code is in the bundles, from the repository's root. */
function packagesIn({ inputs }) {
  const folders = Object.keys(inputs).map((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0])
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort()
}

/** Puts a script before each that has it and all that it requires compiled once, and not in every process and thread. */
function addCompileCache(folder, names) {
  copyFileSync(COMPILE_CACHE, join(folder, 'compile-cache.js'))
  for (const name of names) {
    renameSync(join(folder, `${name}.js`), join(folder, `${name}.main.js`))
    writeFileSync(
      join(folder, `${name}.js`),
      `'use strict'\nrequire('./compile-cache.js').enableCompileCache(require('node:path').join(__dirname, 'compiled'))\nmodule.exports = require('./${name}.main.js')\n`,
    )
  }
}

/** Changes with the path, size or time of any source file or package.json, with the lock file, and with this file and the one beside it. */
function keyOf(options) {
  const hash = createHash('sha256').update(JSON.stringify([options, process.versions.node.split('.')[0]]))
  const add = (path) => {
    const { mtimeMs, size } = statSync(path)
    hash.update(`${relative(ROOT, path)}|${mtimeMs}|${size}\n`)
  }
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules') walk(join(folder, entry.name))
      } else if (entry.name === 'package.json' || (entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts')))
        add(join(folder, entry.name))
    }
  }
  add(join(ROOT, 'package-lock.json'))
  add(__filename)
  add(COMPILE_CACHE)
  for (const folder of SOURCES) walk(join(ROOT, folder))
  return hash.digest('hex').slice(0, 32)
}

/** The executable and the threads that it starts. */
const EXECUTABLE = {
  riskledger: 'services/cli/src/main.ts',
  'ledger-thread': 'services/cli/src/threads/ledger-thread.ts',
  'ingest-thread': 'services/cli/src/threads/ingest-thread.ts',
  'journal-thread': 'services/screener/src/journal-thread.ts',
  'records-thread': 'services/cli/src/threads/records-thread.ts',
  'screener-thread': 'services/screener/src/thread.ts',
  'snapshot-thread': 'services/screener/src/snapshot-thread.ts',
  'state-hash-thread': 'services/screener/src/state-hash-thread.ts',
  'relations-thread': 'services/relations/src/thread.ts',
  'gateway-thread': 'services/gateway/src/thread.ts',
  'dispatcher-thread': 'services/dispatcher/src/thread.ts',
}

/**
 * How the deciding code becomes one file whose SHA-256 is the `engineHash` of the journal: minified, so that neither comments nor paths of a machine
 * are in it, and the same sources give the same bytes wherever they lie.
 */
const ENGINE = {
  entryPoints: ['libs/core/screening/src/index.ts'],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  minify: true,
  legalComments: 'none',
  logLevel: 'silent',
}

module.exports = { ENGINE, NATIVE, PACKAGES_FILE, bundle, EXECUTABLE }
