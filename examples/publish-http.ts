// Asks a gateway for the verdict on a payment, and publishes what follows from it.
// Run it:  npx tsx examples/publish-http.ts http://127.0.0.1:8080 rlk_...
import { connectDecisions, connectHttpPublisher } from '@riskledger/client'

async function main(url: string, apiKey: string | undefined): Promise<void> {
  const connection = { url, source: 'checkout', ...(apiKey === undefined ? {} : { apiKey }) }
  const decisions = await connectDecisions(connection)
  const payment = {
    accountId: 'a-0293',
    paymentId: 'pay-88213',
    kind: 'purchase',
    phase: 'requested',
    direction: 'debit',
    amountMinor: 4_999,
    currency: 'USD',
    amountReferenceMinor: 4_999,
    counterpartyId: 'm-0071',
    counterpartyKind: 'merchant',
    method: 'card',
    payerNameMatch: 'match',
  } as const
  const verdict = await decisions.decide('payments', payment, { deadlineMs: 1_000 })
  const because = verdict.reasonCodes.length === 0 ? '' : ` because of ${verdict.reasonCodes.join(', ')}`
  console.log(`verdict: ${verdict.kind}${because}${verdict.fallback ? ' (fallback: no verdict in time)' : ''}`)

  if (verdict.kind === 'allow') {
    const publisher = await connectHttpPublisher(connection)
    try {
      const receipt = await publisher.payments.publish({ ...payment, phase: 'settled' })
      console.log(`settled: payments/${receipt.partition}@${receipt.offset}`)
    } finally {
      await publisher.close()
    }
  }
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}

const [url, apiKey] = process.argv.slice(2)
if (url === undefined) fail('Usage: npx tsx examples/publish-http.ts <address of a gateway> [API key of a publisher]')
else main(url, apiKey).catch((error: Error) => fail(error.message))
