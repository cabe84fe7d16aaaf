import { EventStoreDBClient } from '@eventstore/db-client'
import { BatchAppends } from './batch-appends'

const DISPOSE_TIMEOUT_MS = 2_000

/** A client in use, until it is released. */
export interface AcquiredClient {
  readonly client: EventStoreDBClient
  readonly batchAppends: BatchAppends
  readonly release: () => Promise<void>
}

interface Shared {
  readonly client: EventStoreDBClient
  readonly batchAppends: BatchAppends
  users: number
}

const clients = new Map<string, Shared>()

/**
 * One client, and one append call, per connection string and thread. An error of the call rejects all appends that wait for an answer;
 * with one connection to a ledger those are its own.
 */
export function acquireClient(connectionString: string): AcquiredClient {
  let shared = clients.get(connectionString)
  if (shared === undefined) {
    const client = EventStoreDBClient.connectionString(inClientsScheme(connectionString))
    shared = { client, batchAppends: new BatchAppends(client), users: 0 }
    clients.set(connectionString, shared)
  }
  const held = shared
  held.users++
  let released = false
  return {
    client: held.client,
    batchAppends: held.batchAppends,
    release: async () => {
      if (released) return
      released = true
      if (--held.users > 0) return
      if (clients.get(connectionString) === held) clients.delete(connectionString)
      // Disposing waits for every call to end, also for one whose consumer went away without a word.
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, DISPOSE_TIMEOUT_MS)))
      await Promise.race([held.client.dispose(), late])
      clearTimeout(timer)
    },
  }
}

/** The client knows KurrentDB's scheme by its older name alone. */
function inClientsScheme(connectionString: string): string {
  return connectionString.replace(/^kurrentdb(?=[+:])/, 'esdb')
}
