import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installationRoot } from '@riskledger/runtime'

/** The code that decides, as one file, and its SHA-256: what `engineHash` in the journal means. */
export interface Engine {
  readonly bundle: Uint8Array
  readonly hash: string
}

/** The engine: made when the executable was bundled, or now where the sources run as they are. */
export async function bundleEngine(): Promise<Engine> {
  const file = join(__dirname, 'engine.js')
  const bundle = existsSync(file) ? await readFile(file) : await bundleSources()
  return { bundle, hash: createHash('sha256').update(bundle).digest('hex') }
}

async function bundleSources(): Promise<Uint8Array> {
  const root = installationRoot()
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- plain JavaScript, so that the launcher needs nothing to run it
  const { ENGINE } = require(join(root, 'services', 'cli', 'bin', 'bundle.js')) as { ENGINE: object }
  const { build } = await import('esbuild')
  const result = await build({ ...ENGINE, absWorkingDir: root, write: false })
  return result.outputFiles[0].contents
}
