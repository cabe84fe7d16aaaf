import { setTimeout as pause } from 'node:timers/promises'
import { RiskError, type Logger, type ScreenedTopic, type Verdict } from '@riskledger/contracts'
import { LONGEST_TIMER_MS } from './delivery'
import { errorOf, HttpGateway, type HttpGatewayOptions } from './http-gateway'
import { withoutNulls } from './http-transport'
import { SourceSequence, type SequenceStore } from './source-sequence'
import { stampEvent, withIdentity, type EventDraft } from './stamp-event'

/** What a caller is told about its event. */
export interface Decision {
  readonly eventId: string
  readonly topic: ScreenedTopic
  /** What to do. */
  readonly kind: Verdict
  /** True where the policy's fallback says so: no verdict in time, or an event too late to get one. */
  readonly fallback: boolean
  readonly status: 'screened' | 'late' | 'pending'
  /** 0 to 1000; null while pending. */
  readonly scorePoints: number | null
  /** Weightiest first. */
  readonly reasonCodes: readonly string[]
  /** Null for `allow` and for a fallback. */
  readonly decisionId: string | null
  readonly partition: number | null
  readonly sequence: number | null
  readonly lateByMs: number | null
  /** As the gateway measured it. */
  readonly latencyMs: number
}

/** How decisions are asked for. */
export interface DecisionsSettings extends HttpGatewayOptions {
  /** Opaque token of the asking system; stamped on every event. */
  readonly source: string
  /** Where the numbering goes on. Default: events are not numbered, since a publisher of the same source may number too. */
  readonly sequences?: SequenceStore
  /** Is warned where `sequences` fails to save a number, such as `console`. Default: nothing is said. */
  readonly logger?: Pick<Logger, 'warn'>
  /** How long a gateway that refuses for now, or does not answer, is asked again. Default 2,000; 0 asks once. */
  readonly retryForMs?: number
  /** Default the machine's clock. */
  readonly nowMs?: () => number
}

/** Asks for verdicts. */
export interface Decisions {
  /**
   * Publishes an event and resolves to its verdict, or to the policy's fallback once `deadlineMs` (1 to 10,000; default the gateway's 150) have passed.
   * The same event again, with the same id, gets the first verdict. A number that `sequences` fails to save does not change that: `logger` is warned, and it
   * is saved with the next. Rejects with `input-rejected` for an event that is not as its schema says (before
   * anything is sent), that was quarantined, or whose id other content has; `configuration-invalid` for a wrong key; `limit-reached` and
   * `log-unavailable`, both retriable with the same id, once asking again did not help.
   */
  decide<Topic extends ScreenedTopic>(topic: Topic, event: EventDraft<Topic>, options?: { readonly deadlineMs?: number }): Promise<Decision>
}

const RETRY_MS = 50
/** What the way there and back may take on top of the deadline. */
const GRACE_MS = 5_000
const LONGEST_DEADLINE_MS = 10_000

/** Connects to ask a gateway for verdicts. Asks nothing yet. */
export async function connectDecisions(settings: DecisionsSettings): Promise<Decisions> {
  const { source, sequences, retryForMs = 2_000, nowMs = Date.now } = settings
  const gateway = new HttpGateway(settings)
  const sequence = sequences === undefined ? null : await SourceSequence.open(source, sequences, settings)
  return {
    async decide(topic, draft, { deadlineMs } = {}) {
      const checked = stampEvent(topic, draft, { source, nowMs })
      const numbered = checked.sourceSequence === null && sequence !== null ? sequence.next() : null
      const event = { ...checked, sourceSequence: numbered ?? checked.sourceSequence }
      const question = { topic, event: withoutNulls(event), ...(deadlineMs === undefined ? {} : { deadlineMs }) }
      try {
        return await ask(gateway, question, { timeoutMs: (deadlineMs ?? LONGEST_DEADLINE_MS) + GRACE_MS, retryForMs })
      } catch (error) {
        throw withIdentity(error, event)
      } finally {
        if (numbered !== null) await sequence!.settledOrWarned(numbered)
      }
    },
  }
}

async function ask(
  gateway: HttpGateway,
  question: object,
  { timeoutMs, retryForMs }: { readonly timeoutMs: number; readonly retryForMs: number },
): Promise<Decision> {
  const giveUpAtMs = performance.now() + retryForMs
  for (let pauseMs = RETRY_MS; ; pauseMs *= 2) {
    try {
      const answer = await gateway.post('/v1/decisions', question, timeoutMs)
      if (answer.status === 200) return answer.body as Decision
      throw errorOf(answer)
    } catch (error) {
      if (!(error instanceof RiskError) || !error.retriable) throw error
      const stated = error.context['retryAfterMs']
      const waitMs = typeof stated === 'number' ? Math.max(stated, pauseMs) : pauseMs
      if (performance.now() + waitMs > giveUpAtMs) throw error
      await pause(Math.min(waitMs, LONGEST_TIMER_MS))
    }
  }
}
