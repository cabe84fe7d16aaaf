import type { EventLog, Logger, Metrics } from '@riskledger/contracts'
import { openEmbeddedLog, type CrashPoint } from '@riskledger/embedded-log'
import { openKafkaLog, type KafkaConnection, type SchemaRegistryOptions } from '@riskledger/kafka'

/** Where the raw events lie: in a folder of this machine, or in a Kafka cluster. Plain data, so that threads can be handed it. */
export type LogAddress =
  | { readonly kind: 'embedded'; readonly folder: string }
  | {
      readonly kind: 'kafka'
      readonly connection: KafkaConnection
      /** Where publishers that use Confluent's framing keep their schemas; left out: their records end in quarantine. */
      readonly registry?: SchemaRegistryOptions
    }

/** A log that several readers of one process share, each of its own partitions. */
export interface SharedEventLog extends EventLog {
  /** The same log for one reader. Closing it stops what only that reader needed; closing the log closes all. */
  view(): EventLog
}

/** How a log is opened. */
export interface OpenEventLogOptions {
  readonly partitionCount: number
  /** `write` makes an embedded log where there is none; `read` throws `not-found` there. A Kafka cluster's topics are never made by opening. */
  readonly access: 'read' | 'write'
  readonly logger: Logger
  readonly metrics: Metrics
  /** Called at named moments of an embedded log, for tests that kill the process there. */
  readonly crashPoint?: (name: CrashPoint) => void
}

/** Opens the log at an address: the one place that knows which kinds there are. */
export async function openEventLog(
  address: LogAddress,
  { partitionCount, access, logger, metrics, crashPoint }: OpenEventLogOptions,
): Promise<SharedEventLog> {
  switch (address.kind) {
    case 'embedded': {
      const log = openEmbeddedLog({
        folder: address.folder,
        partitionCount,
        readOnly: access === 'read',
        ...(crashPoint === undefined ? {} : { crashPoint }),
      })
      return Object.assign(facade(log), { view: () => ({ ...facade(log), close: () => Promise.resolve() }) })
    }
    case 'kafka': {
      const { connection, registry } = address
      // Whoever only publishes reads no record, and needs no registry to be there.
      const framing = registry === undefined || access === 'write' ? {} : { registry }
      return openKafkaLog({ connection, ...framing, partitionCount, appends: access === 'write', logger, metrics })
    }
    default: {
      const never: never = address
      throw new Error(`unknown kind of log: ${JSON.stringify(never)}`)
    }
  }
}

/** The embedded log tells its readers apart by the signals with which they wait, so that they can share it as it is. */
function facade(log: EventLog): EventLog {
  return {
    partitionCount: log.partitionCount,
    append: (records, progress) => log.append(records, progress),
    appendColumns: (columns, progress) => log.appendColumns(columns, progress),
    fetch: (request) => log.fetch(request),
    range: (topic, partition) => log.range(topic, partition),
    sources: () => log.sources(),
    changed: (timeoutMs, signal) => log.changed(timeoutMs, signal),
    close: () => log.close(),
  }
}
