/** Structured log: a message for people, fields for machines. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** Metrics port: names in Prometheus style (`riskledger_inputs_total`), label values low in number. */
export interface Metrics {
  count(name: string, by: number, labels?: Readonly<Record<string, string>>): void
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void
  /** Seconds. */
  duration(name: string, seconds: number, labels?: Readonly<Record<string, string>>): void
}
