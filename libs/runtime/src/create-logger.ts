import type { Logger } from '@riskledger/contracts'
import { destination, pino, stdSerializers, stdTimeFunctions, type DestinationStream } from 'pino'
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
 * Lines are written synchronously, so none is lost when the process ends. A line that cannot be written (a full disk, a closed pipe) never fails who logs it:
 * up to 1 MiB of them waits for the next line, what comes beyond that is dropped.
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
    write === undefined ? standardError() : { write: tolerant(write) },
  )
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
  }
}

/** Bytes of lines that wait for a standard error that takes none. */
const MAX_WAITING_BYTES = 1024 * 1024

function standardError(): DestinationStream {
  const stream = destination({ dest: 2, sync: true, maxLength: MAX_WAITING_BYTES })
  // Without a listener the error would be thrown out of the call that logs.
  stream.on('error', () => undefined)
  return stream
}

/** Nowhere is left to tell that a log line was not written, and what is logged was tolerated by whoever logs it. */
function tolerant(write: (line: string) => void): (line: string) => void {
  return (line) => {
    try {
      write(line)
    } catch {
      return
    }
  }
}
