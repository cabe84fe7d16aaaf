import { createSecureContext } from 'node:tls'
import { RiskError, type Logger } from '@riskledger/contracts'

/** How to reach a Kafka cluster, and under which names RiskLedger's topics lie on it. */
export interface KafkaConnection {
  /** `host:port` of some of its brokers, at least one; the others are found through them. */
  readonly brokers: readonly string[]
  /** Names this process in the brokers' logs and quotas. */
  readonly clientId: string
  /** Environment prefix of every topic and group, for example `test.`; empty for none. Up to 64 of `a-z A-Z 0-9 . _ -`. */
  readonly prefix: string
  /** TLS; left out: plain connections. */
  readonly ssl?: KafkaTls
  /** SASL; left out: none. */
  readonly sasl?: KafkaSasl
  /** Time to open a connection. Default 3,000 ms. */
  readonly connectionTimeoutMs?: number
  /** Time for an answer. Default 30,000 ms. */
  readonly requestTimeoutMs?: number
}

/** TLS towards the brokers, as PEM texts. */
export interface KafkaTls {
  /** Certificates that sign the brokers'; default: the system's. */
  readonly ca?: string
  /** Our own certificate and its key, where brokers ask for one; both or none. */
  readonly cert?: string
  readonly key?: string
  /** False accepts any certificate; for trials only. Default true. */
  readonly rejectUnauthorized?: boolean
}

/** A user and a password, and how they are shown. PLAIN sends the password as it is: use it with TLS. */
export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** A connection that was checked, with its defaults. */
export interface CheckedConnection extends KafkaConnection {
  readonly connectionTimeoutMs: number
  readonly requestTimeoutMs: number
}

/** A log that says nothing, for who gives none. */
export const NO_LOGGER: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** Checks a connection's settings and fills in its defaults. Throws `configuration-invalid`, naming the setting. */
export function checkConnection(connection: KafkaConnection): CheckedConnection {
  const { brokers, clientId, prefix, ssl, sasl, connectionTimeoutMs = 3_000, requestTimeoutMs = 30_000 } = connection
  if (brokers.length === 0) throw invalid('brokers is empty: name at least one broker as host:port.')
  for (const broker of brokers) {
    if (!/^[^:\s]+:\d{1,5}$/.test(broker)) throw invalid(`broker "${broker}" is not of the form host:port.`)
  }
  if (clientId === '') throw invalid('clientId is empty.')
  if (!/^[A-Za-z0-9._-]{0,64}$/.test(prefix))
    throw invalid(`prefix "${prefix}" has other characters than a-z A-Z 0-9 . _ -, or more than 64.`)
  if (ssl !== undefined && (ssl.cert === undefined) !== (ssl.key === undefined))
    throw invalid('ssl.cert and ssl.key go together: one is missing.')
  if (ssl !== undefined) assertPems(ssl)
  if (sasl !== undefined && sasl.username === '') throw invalid('sasl.username is empty.')
  if (!(connectionTimeoutMs >= 1)) throw invalid('connectionTimeoutMs must be at least 1.')
  if (!(requestTimeoutMs >= 1_000)) throw invalid('requestTimeoutMs must be at least 1,000.')
  return { ...connection, connectionTimeoutMs, requestTimeoutMs }
}

/** What is in no form of PEM, or does not belong together, would show at the first connection only, and be taken for a broker that is away. */
function assertPems(ssl: KafkaTls): void {
  try {
    createSecureContext(ssl)
  } catch (error) {
    throw invalid(
      `ssl.cert and ssl.key (--kafka-cert, --kafka-key) are not a certificate and its key in PEM: ${(error as Error).message}.`,
      error,
    )
  }
}

function invalid(what: string, cause?: unknown): RiskError {
  return new RiskError('configuration-invalid', `The Kafka connection cannot be used: ${what}`, { retriable: false, cause })
}
