import { RiskError } from '@riskledger/contracts'
import type { Outgoing, Receipt, Transport } from './delivery'
import { errorOf, problemOf, type HttpGateway } from './http-gateway'

/** Publishes through a gateway: one request for each run of events of the same topic. */
export function httpTransport(gateway: HttpGateway): Transport {
  return {
    async send(batch) {
      // The others wait their turn: they must not be there before these.
      const run = firstRun(batch)
      const { topic } = batch[0]
      const answer = await gateway.post(
        `/v1/events/${topic}`,
        run.map(({ event }) => withoutNulls(event)),
      )
      const rest = batch.slice(run.length).map(() => null)
      if (answer.status === 202)
        return [...(answer.body as readonly Receipt[]).map(({ partition, offset }) => ({ topic, partition, offset })), ...rest]
      const error = errorOf(answer)
      if (error.retriable) throw error
      return [...refusals(run, { body: answer.body, error }), ...rest]
    },
    close: () => Promise.resolve(),
  }
}

function firstRun(batch: readonly Outgoing[]): readonly Outgoing[] {
  const end = batch.findIndex(({ topic }) => topic !== batch[0].topic)
  return end < 0 ? batch : batch.slice(0, end)
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
