import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { installationRoot, threadModule } from './module-path'

test("while the sources run, a thread's module lies beside its starter", () => {
  expect(threadModule('/some/folder', { source: 'thread.ts', bundled: 'a-thread' })).toBe(join('/some/folder', 'thread.ts'))
})

test("the installation's folder is the one of RiskLedger's own package", () => {
  const root = installationRoot()
  expect((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name: string }).name).toBe('riskledger')
  expect(existsSync(join(root, 'policies', 'default.yaml'))).toBe(true)
})
