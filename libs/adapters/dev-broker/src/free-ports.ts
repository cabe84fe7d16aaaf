import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { RiskError } from '@riskledger/contracts'

/**
 * Below 32768, where Linux begins to take the ports of outgoing connections: while a node is down, its port must not become some client's, and a
 * client that tries it again and again must not, by chance, connect to itself.
 */
const FIRST_PORT = 20_000
const END_PORT = 32_000
const MOST_TRIES = 200

/** Finds so many ports that nothing listens on at 127.0.0.1, in `[20000, 32000)`; throws `limit-reached` where it finds too few. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  for (let tries = 0; tries < MOST_TRIES && ports.size < count; tries++) {
    const port = randomInt(FIRST_PORT, END_PORT)
    if (!ports.has(port) && (await isPortFree(port))) ports.add(port)
  }
  if (ports.size === count) return [...ports]
  throw new RiskError('limit-reached', `No ${count} free ports were found between ${FIRST_PORT} and ${END_PORT} on 127.0.0.1.`, {
    retriable: true,
  })
}

/** Whether a server could listen on this port of 127.0.0.1 now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
