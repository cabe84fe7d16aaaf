import type { Logger } from '@riskledger/contracts'
import { destination, pino, stdSerializers, stdTimeFunctions } from 'pino'
import type { Settings } from './settings'

/** How a logger is made. */
export interface LoggerOptions {
  /** Least severity that is written. */
  readonly level: Settings['logLevel']
  /** Name of the part of the program that logs, in each line as `name`. */
  readonly name: string
  /** Where lines go; default: standard error, so that standard output stays clean for `--json`. */
  readonly write?: (line: string) => void
}

/**
 * A structured logger: one JSON object a line with `level` in words, `time` in ISO 8601 UTC, `pid`, `name`, `message` and the fields.
 * A field named `error` is written with its type, message, stack, code and cause. Host names are left out: they are not ours to publish.
 * Lines are written synchronously, so none is lost when the process ends.
 */
export function createLogger({ level, name, write }: LoggerOptions): Logger {
  const log = pino(
    {
      level,
      base: { pid: process.pid, name },
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.errWithCause },
    },
    write === undefined ? destination({ dest: 2, sync: true }) : { write },
  )
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
  }
}
