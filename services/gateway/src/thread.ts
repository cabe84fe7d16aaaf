import { connectLedger } from '@riskledger/ledger'
import { aborted, createLogger, createMetrics, openEventLog, runThread, type LogAddress } from '@riskledger/runtime'
import type { GatewayOptions } from './gateway-options'
import { startGateway } from './start-gateway'

/** What the gateway thread is started with. */
export interface GatewayThreadInput extends Pick<
  GatewayOptions,
  'environment' | 'partitionCount' | 'host' | 'port' | 'tls' | 'apiKeys' | 'fallback' | 'limits'
> {
  readonly log: LogAddress
  readonly connectionString: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

/** What it is ready with. */
export interface GatewayThreadReady {
  readonly url: string
}

runThread<GatewayThreadInput>(async ({ input, signal, ready }) => {
  const logger = createLogger({ name: 'gateway', level: input.logLevel })
  const metrics = createMetrics()
  const log = await openEventLog(input.log, { partitionCount: input.partitionCount, access: 'write', logger, metrics })
  // Whatever fails, nothing may stay open: the thread ends only once its connections have.
  const opened: { close(): Promise<void> }[] = [log]
  try {
    const ledger = await connectLedger({ connectionString: input.connectionString, signal })
    opened.unshift(ledger)
    const gateway = await startGateway({ ...input, log, ledger, nowMs: () => Date.now(), logger, metrics })
    ready({ url: gateway.url } satisfies GatewayThreadReady)
    try {
      await Promise.race([gateway.failed, aborted(signal)])
    } finally {
      await gateway.close()
    }
  } finally {
    for (const one of opened) await one.close()
  }
})
