import { openKafkaPublisher, type KafkaConnection } from '@riskledger/kafka'
import { loadEvent, type LoadPlan } from './kafka-events'

/** What the load process is told, as JSON in its first argument. */
export interface LoadOrder extends LoadPlan {
  readonly connection: KafkaConnection
  /** Number of the first event, and how many follow it. */
  readonly first: number
  readonly count: number
  /** Events a second; null: as fast as they are taken, dated `fromMs` and on. */
  readonly ratePerSecond: number | null
  /** Date of the first event where there is no rate. */
  readonly fromMs: number
}

/** What it prints at its end. */
export interface LoadReport {
  readonly published: number
  readonly seconds: number
  /** CPU seconds of the load process, user and system. */
  readonly cpuSeconds: number
  /** Longest delay of handing an event to the publisher behind its intended moment. */
  readonly latestMs: number
}

/** Events of one call, as fast as they are taken. */
const FILL_EVENTS = 2_000
/** How often what has become due is published. */
const TICK_MS = 5

/** Publishes in a process of its own, so that its CPU can be told apart and its work holds nobody up. */
async function main(order: LoadOrder): Promise<LoadReport> {
  const publisher = await openKafkaPublisher({ connection: order.connection })
  const beganMs = performance.now()
  const before = process.cpuUsage()
  const latestMs = order.ratePerSecond === null ? await fill(order) : await atRate(order, order.ratePerSecond)
  const seconds = (performance.now() - beganMs) / 1_000
  const { user, system } = process.cpuUsage(before)
  await publisher.close()
  return { published: order.count, seconds, cpuSeconds: (user + system) / 1e6, latestMs }

  async function fill({ first, count, fromMs }: LoadOrder): Promise<number> {
    for (let sent = 0; sent < count; sent += FILL_EVENTS) {
      const events = Array.from({ length: Math.min(FILL_EVENTS, count - sent) }, (_, i) =>
        loadEvent(first + sent + i, fromMs + sent + i, order),
      )
      await publish(events)
    }
    return 0
  }

  /** Each event is dated by the moment at which it was meant to be published, whether or not that was kept. */
  async function atRate({ first, count }: LoadOrder, ratePerSecond: number): Promise<number> {
    const startMs = Date.now()
    const inFlight = new Set<Promise<unknown>>()
    let latest = 0
    let sent = 0
    let failure: unknown
    while (sent < count && failure === undefined) {
      const due = Math.min(count, Math.floor(((Date.now() - startMs) * ratePerSecond) / 1_000))
      if (due > sent) {
        latest = Math.max(latest, Date.now() - startMs - (sent * 1_000) / ratePerSecond)
        const events = Array.from({ length: due - sent }, (_, i) =>
          loadEvent(first + sent + i, Math.floor(startMs + ((sent + i) * 1_000) / ratePerSecond), order),
        )
        sent = due
        const publishing = publish(events)
          .catch((error: unknown) => (failure ??= error))
          .finally(() => inFlight.delete(publishing))
        inFlight.add(publishing)
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS))
    }
    await Promise.all(inFlight)
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error(JSON.stringify(failure))
    return latest
  }

  async function publish(events: readonly ReturnType<typeof loadEvent>[]): Promise<void> {
    await publisher.publish(events.map(({ topic, partition, key, value }) => ({ topic: `raw.${topic}`, partition, key, value })))
  }
}

if (require.main === module) {
  void main(JSON.parse(process.argv[2]) as LoadOrder).then(
    (report) => process.stdout.write(`${JSON.stringify(report)}\n`),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
      process.exitCode = 1
    },
  )
}
