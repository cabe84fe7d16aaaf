import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'

/**
 * Where a thread's module is: beside its starter while the sources run, and as `<bundled>.js` beside the bundle once they are bundled.
 * Call it with the caller's own `__dirname` and the module's path from there.
 */
export function threadModule(folder: string, options: { readonly source: string; readonly bundled: string }): string {
  return extname(__filename) === '.ts' ? join(folder, options.source) : join(__dirname, `${options.bundled}.js`)
}

/** The folder of RiskLedger's own files (policies, sources), found upwards from where this code lies. */
export function installationRoot(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'riskledger') return folder
    if (dirname(folder) === folder) throw new Error(`no folder above ${__dirname} is RiskLedger's`)
  }
}
