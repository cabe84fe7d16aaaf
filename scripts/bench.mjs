// npm run bench -- <name> [--input file] [--json]: runs bench/src/<name>.ts and prints its figures.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { checkNodeVersion, installWhatIsMissing, root } from './install.mjs'

checkNodeVersion()
installWhatIsMissing()

const folder = join(root, 'bench', 'src')
/** A file there is a bench if it exports `run`; others are its workers and parts. */
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.slice(0, -3))
  .sort()
const names = files.filter((name) => /^export (async function|function|const) run\b/m.test(sourceOf(name)))

const [name, options] = readArguments()
if (name === undefined) {
  console.log(`npm run bench -- <name> [--input file] [--json]\n\n${names.map((each) => `  ${each}`).join('\n')}`)
} else {
  const bench = await load(name)
  const figures = await bench.run(options)
  // Without --json the bench has printed its table itself.
  if (options.json) console.log(JSON.stringify(figures))
}

function sourceOf(name) {
  return readFileSync(join(folder, `${name}.ts`), 'utf8')
}

/**
 * A bench that says `export const runsBundled = true` runs as the product does, from one bundle: between modules each use of an imported name is a
 * call of a getter, which loops of nanoseconds notice. It finds files by `installationRoot()`, its workers by `<their name>.js` beside it.
 */
async function load(name) {
  const require = createRequire(import.meta.url)
  if (!/^export const runsBundled = true$/m.test(sourceOf(name))) {
    require('@riskledger/runtime/register.cjs')
    return require(join(folder, `${name}.ts`))
  }
  const { bundle } = require('../services/cli/bin/bundle.js')
  return require(join(await bundle(Object.fromEntries(files.map((file) => [file, `bench/src/${file}.ts`]))), `${name}.js`))
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: { input: { type: 'string' }, json: { type: 'boolean', default: false } },
      allowPositionals: true,
    })
    if (positionals.length > 1) throw new Error(`one bench at a time, not ${positionals.join(' ')}`)
    const [wanted] = positionals
    if (wanted !== undefined && !names.includes(wanted)) throw new Error(`there is no bench ${wanted}; there are ${names.join(', ')}`)
    // npm changes to the root: a path is meant from where the user stood.
    const from = process.env.INIT_CWD ?? process.cwd()
    const input = values.input === undefined ? {} : { input: resolve(from, values.input) }
    return [wanted, { json: values.json, ...input }]
  } catch (error) {
    console.error(`npm run bench: ${error.message}`)
    process.exit(2)
  }
}
