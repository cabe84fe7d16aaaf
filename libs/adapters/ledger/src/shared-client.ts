import { EventStoreDBClient } from '@eventstore/db-client'

const DISPOSE_TIMEOUT_MS = 2_000

interface Shared {
  readonly client: EventStoreDBClient
  users: number
}

const clients = new Map<string, Shared>()

/**
 * One client per connection string and thread. The client library keeps the appends that wait for an answer in one map for the
 * whole module, and an error on one connection rejects all of them; with one connection to a ledger those are its own.
 */
export function acquireClient(connectionString: string): { readonly client: EventStoreDBClient; readonly release: () => Promise<void> } {
  let shared = clients.get(connectionString)
  if (shared === undefined) {
    shared = { client: EventStoreDBClient.connectionString(connectionString), users: 0 }
    clients.set(connectionString, shared)
  }
  const held = shared
  held.users++
  let released = false
  return {
    client: held.client,
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
