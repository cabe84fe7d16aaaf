import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Shell commands that stand in for Java; `$last` is the last argument, `$node` the folder of the node, where it formats. */
export interface FakeJava {
  readonly format: string
  /** Default: a broker that never answers, until it is ended. */
  readonly broker?: string
}

/** Puts a Java of this kind into the folder, and before all others on the search path; returns what takes it away from there again. */
export function fakeJava(folder: string, { format, broker = 'exec tail -f "$last"' }: FakeJava): () => void {
  const path = process.env.PATH
  mkdirSync(folder, { recursive: true })
  const script =
    'for last; do case "$last" in */server.properties) settings="$last";; esac; done\nnode="${settings%/*}"\n' +
    `case "$*" in\n  *StorageTool*)\n${format}\n;;\n  *)\n${broker}\n;;\nesac\n`
  writeFileSync(join(folder, 'java'), `#!/bin/sh\n${script}`)
  chmodSync(join(folder, 'java'), 0o755)
  process.env.PATH = `${folder}${delimiter}${path ?? ''}`
  return () => {
    process.env.PATH = path
  }
}
