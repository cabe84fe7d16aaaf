import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'

const LOOK_EVERY_MS = 50
const ADMIN_TIMEOUT_MS = 2_000

/** What counts as ready, and how long to wait for it. */
export interface AwaitBrokerOptions {
  /** Nodes that the broker asked must know to be there. */
  readonly nodeIds: readonly number[]
  readonly timeoutMs: number
  /** Ends the waiting at once: the process is gone. */
  readonly hasEnded: () => boolean
}

/** Waits until a broker accepts connections and, asked by an admin client, names all the nodes. Says what it came to; never throws. */
export async function awaitBroker(
  port: number,
  { nodeIds, timeoutMs, hasEnded }: AwaitBrokerOptions,
): Promise<'ready' | 'ended' | 'timed-out'> {
  const deadlineMs = performance.now() + timeoutMs
  while (performance.now() < deadlineMs) {
    if (hasEnded()) return 'ended'
    if ((await accepts(port)) && (await knowsNodes(port, nodeIds))) return 'ready'
    await sleep(LOOK_EVERY_MS)
  }
  return 'timed-out'
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    const settle = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}

async function knowsNodes(port: number, nodeIds: readonly number[]): Promise<boolean> {
  const admin = new Kafka({
    clientId: 'riskledger-dev-broker',
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: ADMIN_TIMEOUT_MS,
    requestTimeout: ADMIN_TIMEOUT_MS,
    retry: { retries: 0 },
  }).admin()
  try {
    await admin.connect()
    const known = new Set((await admin.describeCluster()).brokers.map(({ nodeId }) => nodeId))
    return nodeIds.every((id) => known.has(id))
  } catch {
    // Whatever a broker that is not ready answers, the next look is soon, and the caller's limit holds.
    return false
  } finally {
    await admin.disconnect()
  }
}
