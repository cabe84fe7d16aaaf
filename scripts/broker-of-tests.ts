// One Kafka broker for all test files of a run of `npm test`: prints where it is as one line of JSON, and ends it when standard input ends, which it also does
// where whoever started this was killed.
import { findTestBroker } from '@riskledger/dev-broker'

/** A signal to the whole group, as Ctrl-C sends it, is for the parent: it ends, and with it our input. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

async function main(): Promise<void> {
  const ended = new Promise<void>((resolve) => process.stdin.resume().once('close', resolve))
  const broker = await findTestBroker()
  console.log(JSON.stringify(broker.kind === 'found' ? { brokers: broker.brokers } : { reason: broker.reason }))
  await ended
  if (broker.kind === 'found') await broker.close()
}

main().catch((error: unknown) => {
  console.log(JSON.stringify({ reason: error instanceof Error ? error.message : String(error) }))
  process.exitCode = 1
})
