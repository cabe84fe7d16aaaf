import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { runRiskledger } from './run-riskledger'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'riskledger-up-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const event = {
  eventId: '0192f3c4-5b6a-7c8d-9e0f-000000000001',
  accountId: 'a-0293',
  source: 'checkout',
  paymentId: 'p-1',
  kind: 'purchase',
  phase: 'requested',
  direction: 'debit',
  amountMinor: 1_200,
  currency: 'USD',
  amountReferenceMinor: 1_200,
  counterpartyId: 'm-1',
  counterpartyKind: 'merchant',
  method: 'card',
  payerNameMatch: 'match',
}

/** What the gateway of `riskledger up` in the folder says to one event; the process is ended after it. */
async function verdictOfUp(eventId: string): Promise<unknown> {
  let answer: Promise<unknown> | undefined
  const ask = async (url: string, child: ChildProcess): Promise<unknown> => {
    try {
      const body = JSON.stringify({ topic: 'payments', event: { ...event, eventId, eventTimeMs: Date.now() }, deadlineMs: 10_000 })
      const response = await fetch(`${url}/v1/decisions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      return await response.json()
    } finally {
      child.kill('SIGTERM')
    }
  }
  const { code, stderr } = await runRiskledger(['up', '--data-dir', folder, '--gateway-port', '0', '--gateway-auth', 'off'], {
    onStart: (child) =>
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const url = /gateway +(http:\S+)/.exec(line)?.[1]
        if (url !== undefined) answer = ask(url, child)
      }),
  })
  if (code !== 0 || answer === undefined) throw new Error(`up ended with ${code}: ${stderr}`)
  return answer
}

test('up on one machine gives verdicts over HTTP, to its first caller and after a restart', async () => {
  expect(await verdictOfUp(event.eventId)).toMatchObject({ status: 'screened', kind: 'allow', fallback: false, sequence: 1 })
  const second = event.eventId.replace('0001', '0002')
  expect(await verdictOfUp(second)).toMatchObject({ status: 'screened', kind: 'allow', fallback: false })
})
