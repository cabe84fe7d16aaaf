// Publishes a login and two payments straight to Kafka.
// Run it:  npx tsx examples/publish-kafka.ts localhost:9092 [environment prefix]
import { connectPublisher } from '@riskledger/client'

async function main(brokers: string, prefix: string): Promise<void> {
  const publisher = await connectPublisher({ brokers: brokers.split(','), prefix, source: 'checkout' })
  try {
    const login = await publisher.logins.publish({
      accountId: 'a-0293',
      loginId: 'login-17',
      outcome: 'success',
      authMethods: ['password', 'otp'],
      deviceId: 'device-4',
      sessionId: 'session-9',
      ipToken: 'ip-3f',
      networkClass: 'residential',
    })
    console.log(`login: logins/${login.partition}@${login.offset}`)

    // Not awaited one by one: they go together, in this order.
    const payments = ['pay-1', 'pay-2'].map((paymentId) =>
      publisher.payments.publish({
        accountId: 'a-0293',
        paymentId,
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
        sessionId: 'session-9',
      }),
    )
    for (const { partition, offset } of await Promise.all(payments)) console.log(`payment: payments/${partition}@${offset}`)
  } finally {
    await publisher.close()
  }
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}

const [brokers, prefix = ''] = process.argv.slice(2)
if (brokers === undefined) fail('Usage: npx tsx examples/publish-kafka.ts <broker>[,<broker>...] [environment prefix]')
else main(brokers, prefix).catch((error: Error) => fail(error.message))
