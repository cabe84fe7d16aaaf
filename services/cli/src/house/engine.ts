import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { build } from 'esbuild'
import { installationRoot } from '@riskledger/runtime'

/** The code that decides, as one file, and its SHA-256: what `engineHash` in the journal means. */
export interface Engine {
  readonly bundle: Uint8Array
  readonly hash: string
}

const ENTRY = join('libs', 'core', 'screening', 'src', 'index.ts')

/** Bundles the deciding code in memory. The same sources give the same bytes wherever they lie. */
export async function bundleEngine(): Promise<Engine> {
  const result = await build({
    absWorkingDir: installationRoot(),
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minify: true,
    legalComments: 'none',
    logLevel: 'silent',
  })
  const bundle = result.outputFiles[0].contents
  return { bundle, hash: createHash('sha256').update(bundle).digest('hex') }
}
