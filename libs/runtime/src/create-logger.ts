import type { Logger } from '@riskledger/contracts'
import { pino, stdSerializers, stdTimeFunctions, type DestinationStream } from 'pino'
import type { Settings } from './settings'
import { openStandardError } from './standard-error'

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
 * it is dropped, and the next one that can be written follows a warning that tells how many were.
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
    tolerant(write ?? openStandardError(), name),
  )
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
  }
}

/** Nowhere is left to tell that a line cannot be written, and what is logged was tolerated by whoever logs it: it is counted until one can be. */
function tolerant(write: (line: string) => void, name: string): DestinationStream {
  let lostLines = 0
  return {
    write: (line) => {
      try {
        if (lostLines > 0) write(tellLost(lostLines, name))
        lostLines = 0
        write(line)
      } catch {
        lostLines++
      }
    },
  }
}

/** In the shape of the other lines; whatever the level is, for the lines that are lost were above it. */
function tellLost(lostLines: number, name: string): string {
  const message = 'log lines were lost: they could not be written'
  return `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), pid: process.pid, name, message, lostLines })}\n`
}
