import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const SOURCE = `
interface Unused {
  readonly field: number
}

const step = (i: number): number => {
  const add = (x: number): number => x + i
  return add(1)
}
export function stack(input: Unused['field']): string {
  return String(new Error(String(input)).stack)
}
console.log(JSON.stringify({ step: step.toString(), result: step(1), stack: stack(1) }))
`

test('register.cjs runs TypeScript, leaves closures as they are written, and points at the source', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'riskledger-register-'))
  try {
    const path = join(folder, 'source.ts')
    await writeFile(path, SOURCE)
    const { stdout } = await promisify(execFile)(process.execPath, ['--require', join(__dirname, '..', 'register.cjs'), path])
    const { step, result, stack } = JSON.parse(stdout) as { step: string; result: number; stack: string }
    expect(result).toBe(2)
    expect(step).not.toContain('__name')
    expect(stack).toContain('source.ts:11:')
  } finally {
    await rm(folder, { recursive: true })
  }
})
