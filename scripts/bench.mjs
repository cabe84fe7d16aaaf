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
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && /^export (async function|function|const) run\b/m.test(readFileSync(join(folder, file), 'utf8')))
  .map((file) => file.slice(0, -3))
  .sort()

const [name, options] = readArguments()
if (name === undefined) {
  console.log(`npm run bench -- <name> [--input file] [--json]\n\n${names.map((each) => `  ${each}`).join('\n')}`)
} else {
  const require = createRequire(import.meta.url)
  require('@riskledger/runtime/register.cjs')
  const bench = require(join(folder, `${name}.ts`))
  const figures = await bench.run(options)
  // Without --json the bench has printed its table itself.
  if (options.json) console.log(JSON.stringify(figures))
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
