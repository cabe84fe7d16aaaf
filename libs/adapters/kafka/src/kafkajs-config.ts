import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { ISocketFactory, KafkaConfig, logCreator, RetryOptions } from 'kafkajs'
import type { Logger } from '@riskledger/contracts'
import type { CheckedConnection } from './kafka-connection'

/** kafkajs' levels by number; its own enumeration is a value of the package, and this file is types only of it. */
const ERROR = 1
const WARN = 2

/** Warnings and worse: kafkajs tells every connection and rebalance at `info`. */
export const KAFKAJS_LOG_LEVEL = 2

/** Attempts of kafkajs' own for one request; whoever asked goes on by a deadline of its own after them. */
const RETRY: RetryOptions = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 }

/** kafkajs' configuration for a connection; what kafkajs says goes to `logger`. */
export function kafkajsConfigOf(connection: CheckedConnection, logger: Logger): KafkaConfig {
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
    retry: RETRY,
    logLevel: KAFKAJS_LOG_LEVEL,
    logCreator: logCreatorOf(logger),
    socketFactory: openSocket,
  }
}

function saslOf({ mechanism, username, password }: NonNullable<CheckedConnection['sasl']>): NonNullable<KafkaConfig['sasl']> {
  return { mechanism, username, password } as NonNullable<KafkaConfig['sasl']>
}

/** Routes kafkajs' log to ours. An error of kafkajs is a warning of ours: it is told again, with what it meant, by whoever gives up. */
function logCreatorOf(logger: Logger): logCreator {
  return () =>
    ({ level, namespace, log: { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } }) => {
      const text = `kafkajs${namespace === '' ? '' : ` ${namespace}`}: ${message}`
      if (level === ERROR || level === WARN) logger.warn(text, fields)
      else logger.debug(text, fields)
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
  return socket
}
