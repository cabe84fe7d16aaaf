import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { ISocketFactory, KafkaConfig, logCreator } from 'kafkajs'
import type { Logger } from '@riskledger/contracts'
import type { CheckedConnection } from './kafka-connection'
import { mendConnections } from './mend-connections'

/** Warnings and worse, by kafkajs' number: it tells every connection and rebalance at `info`. */
export const KAFKAJS_LOG_LEVEL = 2

/** The part of a logger that kafkajs is routed to. */
export type WarningLogger = { warn(...call: Parameters<Logger['warn']>): unknown }

const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 2_000

/** kafkajs' configuration for a connection. What kafkajs warns of or fails at is a warning of ours: whoever gives up tells it again, and what it meant. */
export function kafkajsConfigOf(connection: CheckedConnection, logger: WarningLogger): KafkaConfig {
  mendConnections()
  const { brokers, clientId, ssl, sasl, connectionTimeoutMs, requestTimeoutMs } = connection
  return {
    brokers: [...brokers],
    clientId,
    ...(ssl === undefined ? {} : { ssl: { rejectUnauthorized: true, ...ssl } }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
    connectionTimeout: connectionTimeoutMs,
    authenticationTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: FIRST_RETRY_MS, maxRetryTime: MAX_RETRY_MS, retries: 5 },
    logLevel: KAFKAJS_LOG_LEVEL,
    logCreator: logCreatorOf(logger),
    socketFactory: openSocket,
  }
}

function saslOf({ mechanism, username, password }: NonNullable<CheckedConnection['sasl']>): NonNullable<KafkaConfig['sasl']> {
  return { mechanism, username, password } as NonNullable<KafkaConfig['sasl']>
}

function logCreatorOf(logger: WarningLogger): logCreator {
  return () =>
    ({ namespace, log: { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } }) => {
      logger.warn(`kafkajs${namespace === '' ? '' : ` ${namespace}`}: ${message}`, fields)
    }
}

/** kafkajs' own sockets wait (Nagle) before they send a small request after another; these do not. */
export const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const socket =
    (ssl as ConnectionOptions | undefined) === undefined || ssl === null
      ? connectPlain({ host, port }, onConnect)
      : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
  socket.setKeepAlive(true, 60_000)
  socket.setNoDelay(true)
  // kafkajs lets go of a dead socket again and again, and one that never connected would keep a listener each time.
  socket.once('close', () => {
    socket.unref = () => socket
  })
  return socket
}
