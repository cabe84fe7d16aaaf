import type { Logger, Metrics } from '@riskledger/contracts'

/** A logger that keeps what it was told, for a test to look at. */
export class KeptLogger implements Logger {
  readonly lines: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly message: string; readonly fields: unknown }[] = []

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'debug', message, fields })
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'info', message, fields })
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'warn', message, fields })
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'error', message, fields })
  }
}

/** Metrics that nobody reads. */
export const NO_METRICS: Metrics = { count: () => undefined, gauge: () => undefined, duration: () => undefined }
