import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { RiskError, type EventLog, type Logger, type Metrics, type ProposedRecord } from '@riskledger/contracts'
import { uuidV7, type RawInputs } from '@riskledger/events'
import { recordOf } from './receipt'

/** What a caller was told, but for what every answer has. */
export type Told = Pick<
  RawInputs['answers'],
  'accountId' | 'traceId' | 'inputEventId' | 'verdict' | 'fallback' | 'latencyMs' | 'deadlineMs'
>

/** What publishing answers needs. */
export interface AnswerPublisherOptions {
  readonly log: EventLog
  readonly partitionCount: number
  readonly source: string
  readonly nowMs: () => number
  readonly logger: Logger
  readonly metrics: Metrics
}

/** Answers that may wait for the log. */
const MAX_WAITING = 20_000
const GROUP_ANSWERS = 1_000
const RETRY_PAUSE_MS = 250
/** Nobody waits for these, and an append of their own is a round through broker, screener and ledger. */
const GATHER_MS = 25

/**
 * Publishes what callers were told as events of the topic `answers`, in the background: with the next events that go to the log, or after 25 ms by themselves. A caller
 * does not wait for it. One group is under way at a time. While the log takes nothing they wait, 20,000 at most; what comes beyond that, or is left at the end,
 * is lost, counted in `riskledger_gateway_answers_lost_total` and logged.
 */
export class AnswerPublisher {
  private waiting: ProposedRecord[] = []
  private sending: Promise<void> | null = null
  private timer: NodeJS.Timeout | null = null
  private readonly leaving = new AbortController()

  constructor(private readonly options: AnswerPublisherOptions) {}

  publish(told: Told): void {
    const { source, nowMs, partitionCount } = this.options
    if (this.waiting.length >= MAX_WAITING) {
      this.lose(1, 'the log takes none and too many wait')
      return
    }
    const timeMs = nowMs()
    const event = {
      ...told,
      eventId: uuidV7(timeMs, randomBytes(10)),
      eventTimeMs: timeMs,
      source,
      sourceSequence: null,
      traceId: told.traceId ?? null,
    }
    this.waiting.push(recordOf('answers', event, { partitionCount, nowMs: timeMs }))
    this.sendWithin(GATHER_MS)
  }

  /** Hands the log what waits, 1,000 answers at most; nothing while a group is under way. Called right after events went there. */
  sendNow(): void {
    if (this.sending !== null || this.waiting.length === 0) return
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    this.sending = this.append(this.waiting.splice(0, GROUP_ANSWERS)).finally(() => {
      this.sending = null
      if (this.waiting.length >= GROUP_ANSWERS && !this.leaving.signal.aborted) this.sendNow()
      else this.sendWithin(GATHER_MS)
    })
  }

  /** Waits until all are in the log, at most so long. */
  async close(timeoutMs: number): Promise<void> {
    const late = new AbortController()
    await Promise.race([this.drained(), pause(timeoutMs, undefined, { signal: late.signal }).catch(() => undefined)])
    late.abort()
    this.leaving.abort()
    if (this.timer !== null) clearTimeout(this.timer)
    if (this.waiting.length > 0) this.lose(this.waiting.splice(0).length, 'the gateway stopped before the log took them')
  }

  private async drained(): Promise<void> {
    for (this.sendNow(); this.sending !== null && !this.leaving.signal.aborted; this.sendNow()) await this.sending
  }

  private sendWithin(delayMs: number): void {
    if (this.waiting.length === 0 || this.sending !== null || this.leaving.signal.aborted) return
    this.timer ??= setTimeout(() => {
      this.timer = null
      this.sendNow()
    }, delayMs)
  }

  private async append(group: readonly ProposedRecord[]): Promise<void> {
    const { log, logger } = this.options
    try {
      await log.append(group)
    } catch (error) {
      // After the end nobody would send it again.
      if (!(error instanceof RiskError) || !error.retriable || this.leaving.signal.aborted) {
        this.lose(group.length, error instanceof Error ? error.message : String(error))
        return
      }
      // The same ids again: where the first append landed after all, the journal calls them duplicates.
      this.waiting = [...group, ...this.waiting]
      logger.warn('answers wait for the log', { answers: this.waiting.length, reason: error.message })
      await pause(RETRY_PAUSE_MS, undefined, { signal: this.leaving.signal }).catch(() => undefined)
    }
  }

  private lose(answers: number, reason: string): void {
    this.options.metrics.count('riskledger_gateway_answers_lost_total', answers)
    this.options.logger.error('answers to callers are not in the log', { answers, reason })
  }
}
