import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { runRiskledger } from './run-riskledger'
import { decide, houseIn, tryHouse, type OpenHouse } from './try-house'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'riskledger-up-'))))
afterEach(() => rmSync(folder, { recursive: true }))

/** Runs `riskledger up` in the folder for as long as `use` of its gateway takes. */
async function withUp<Result>(use: (house: OpenHouse) => Promise<Result>): Promise<Result> {
  let used: Promise<Result> | undefined
  const useAndEnd = async (url: string, child: ChildProcess): Promise<Result> => {
    try {
      return await use(houseIn(folder, url))
    } finally {
      child.kill('SIGTERM')
    }
  }
  const { code, stderr } = await runRiskledger(['--json', 'up', '--data-dir', folder, '--gateway-port', '0', '--gateway-auth', 'off'], {
    onStart: (child) =>
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const { gatewayUrl } = JSON.parse(line) as { readonly gatewayUrl: string }
        used = useAndEnd(gatewayUrl, child)
      }),
  })
  if (code !== 0 || used === undefined) throw new Error(`up ended with ${code}: ${stderr}`)
  return used
}

test('up on one machine gives verdicts over HTTP, to its first caller and after a restart, and a ledger that proves them', async () => {
  await withUp(tryHouse)
  expect(await withUp((house) => decide(house, 100))).toMatchObject({ status: 'screened', kind: 'allow', fallback: false })
})

test('a keys file that is not there is told of before anything is screened', async () => {
  const { code, stderr } = await runRiskledger(['up', '--data-dir', folder, '--gateway-keys', join(folder, 'none.json')])
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('none.json') as string })
  const { stdout: status } = await runRiskledger(['--json', 'status', '--data-dir', folder])
  expect(JSON.parse(status)).toMatchObject({ partitions: [{ revision: -1 }] })
})
