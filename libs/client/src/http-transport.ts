import { RiskError } from '@riskledger/contracts'
import type { Outgoing, Receipt, Transport } from './delivery'
import { firstRun } from './first-run'
import { errorOf, problemOf, type HttpAnswer, type HttpGateway } from './http-gateway'

/**
 * Publishes through a gateway: one request for each run of events of the same topic. A run that the gateway refuses as a whole (413, or 400 that names no
 * event) is halved and its first half sent, down to one event, which is then refused by itself.
 */
export function httpTransport(gateway: HttpGateway): Transport {
  return {
    async send(batch) {
      // The others wait their turn: they must not be there before these.
      let run = firstRun(batch)
      let answer = await post(gateway, run)
      while (run.length > 1 && refusesWhole(answer)) {
        run = run.slice(0, Math.ceil(run.length / 2))
        answer = await post(gateway, run)
      }
      return [...outcomes(run, answer), ...batch.slice(run.length).map(() => null)]
    },
    close: () => Promise.resolve(),
  }
}

function post(gateway: HttpGateway, run: readonly Outgoing[]): Promise<HttpAnswer> {
  return gateway.post(
    `/v1/events/${run[0].topic}`,
    run.map(({ event }) => withoutNulls(event)),
  )
}

/** One event alone may be to blame, or their number. */
function refusesWhole({ status, body }: HttpAnswer): boolean {
  if (status === 413) return true
  return status === 400 && !(problemOf(body).errors ?? []).some(({ index }) => index !== undefined)
}

function outcomes(run: readonly Outgoing[], answer: HttpAnswer): readonly (Receipt | RiskError | null)[] {
  if (answer.status === 202) return receiptsOf(run, answer.body)
  const error = errorOf(answer)
  if (error.retriable) throw error
  return refusals(run, { body: answer.body, error })
}

/** The receipts of events that were taken. Where they cannot be read the events count as unanswered: sent again, under the same ids, they get them. */
function receiptsOf(run: readonly Outgoing[], body: unknown): readonly Receipt[] {
  const [{ topic }] = run
  if (Array.isArray(body) && body.length === run.length && body.every(isReceipt))
    return body.map(({ partition, offset }) => ({ topic, partition, offset }))
  const message =
    `The gateway took ${run.length} events for ${topic}, but its answer is no list of as many receipts, each with partition and offset: ` +
    'see whether its address is right and whether a proxy before it changes answers.'
  throw new RiskError('log-unavailable', message, { retriable: true, context: { topic, status: 202, events: run.length } })
}

function isReceipt(value: unknown): value is Pick<Receipt, 'partition' | 'offset'> {
  if (typeof value !== 'object' || value === null) return false
  const { partition, offset } = value as Partial<Receipt>
  return Number.isSafeInteger(partition) && Number.isSafeInteger(offset)
}

/** The gateway takes all or nothing: what it names is refused for good, the others are sent again without it. Where it names nothing, all are refused. */
function refusals(
  run: readonly Outgoing[],
  { body, error }: { readonly body: unknown; readonly error: RiskError },
): readonly (RiskError | null)[] {
  const reasons = new Map<number, { readonly field: string; readonly code: string; readonly reason: string }[]>()
  for (const item of problemOf(body).errors ?? []) {
    if (item.index !== undefined) reasons.set(item.index, [...(reasons.get(item.index) ?? []), item])
  }
  if (reasons.size === 0) return run.map(() => error)
  return run.map(({ topic }, index) => {
    const items = reasons.get(index)
    if (items === undefined) return null
    const [{ field, code }] = items
    return new RiskError('input-rejected', items.map(({ reason }) => reason).join('; '), {
      retriable: false,
      context: { topic, field, code },
    })
  })
}

/** As JSON carries an event: absent optionals left out. */
export function withoutNulls(event: object): object {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== null))
}
