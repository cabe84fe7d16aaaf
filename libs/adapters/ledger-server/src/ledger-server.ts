import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb'
import { ClusterInfo, EndPoint, MemberInfo } from '@eventstore/db-client/generated/gossip_pb'
import { PersistentSubscriptionsService } from '@eventstore/db-client/generated/persistent_grpc_pb'
import { ProjectionsService } from '@eventstore/db-client/generated/projections_grpc_pb'
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb'
import { SupportedMethod, SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb'
import { UUID } from '@eventstore/db-client/generated/shared_pb'
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb'
import * as grpc from '@grpc/grpc-js'
import { RiskError } from '@riskledger/contracts'
import { serveAppend, serveBatchAppend, type AppendCallOptions } from './append-calls'
import { widenCalls, widenConnections } from './flow-control'
import { failure } from './grpc-failure'
import { LedgerBook, type LedgerCrashPoint } from './ledger-book'
import type { LedgerStorage } from './ledger-storage'
import { LmdbStorage } from './lmdb-storage'
import { serveRead } from './read-call'

/** How to start the embedded server. */
export interface LedgerServerOptions {
  /** Folder of the store, its own; made if it is missing. */
  readonly folder: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Loopback only: `127.0.0.1`, `::1` or `localhost`. Default `127.0.0.1`. */
  readonly host?: string
  /** Address space first reserved for the store, in bytes. Default 4 GiB; it grows as needed. */
  readonly mapSizeBytes?: number
  /** Largest append, in bytes of types, metadata and data. Default 1,048,576, as EventStoreDB's. */
  readonly maxAppendBytes?: number
  /** Called at named moments with the moment's name; a crash test ends the process in it. */
  readonly crashPoint?: (name: LedgerCrashPoint) => void
  /** A storage other than LMDB in `folder`; it is closed with the server. */
  readonly storage?: LedgerStorage
}

/** A running server. */
export interface LedgerServer {
  /** What an EventStoreDB client connects to: `esdb://127.0.0.1:<port>?tls=false`. */
  readonly connectionString: string
  readonly port: number
  /** Ends all calls, waits for appends under way, closes the store. */
  close(): Promise<void>
}

const LOOPBACK_HOSTS = ['127.0.0.1', '::1', 'localhost']
const DEFAULT_MAX_APPEND_BYTES = 1024 * 1024
const MAX_MESSAGE_BYTES = 17 * 1024 * 1024
const MAX_PENDING_BYTES = 32 * 1024 * 1024
const RECENT_BYTES = 16 * 1024 * 1024
const IDEMPOTENCY_WINDOW_BYTES = 8 * 1024 * 1024
const CLOSE_GRACE_MS = 100

/**
 * Starts a server that speaks the subset of EventStoreDB's gRPC protocol that RiskLedger uses: Append, BatchAppend, Read (streams,
 * `$all`, filters, catch-up subscriptions), ServerFeatures and Gossip; everything else answers UNIMPLEMENTED. Answers an append
 * only when it is flushed to disk. For development and single machines; it has no accounts and no TLS, so it listens on loopback
 * only. Throws `configuration-invalid`, `data-folder-format`, `ledger-corrupt`, `ledger-unavailable` (the port is taken).
 */
export async function startLedgerServer(options: LedgerServerOptions): Promise<LedgerServer> {
  const host = options.host ?? '127.0.0.1'
  if (!LOOPBACK_HOSTS.includes(host)) {
    throw new RiskError(
      'configuration-invalid',
      `The embedded ledger listens on loopback only, not on ${host}: use 127.0.0.1, or run EventStoreDB.`,
      {
        retriable: false,
        context: { host },
      },
    )
  }
  const storage = options.storage ?? new LmdbStorage(options)
  const book = new LedgerBook({
    storage,
    crashPoint: options.crashPoint ?? (() => undefined),
    recentBytes: RECENT_BYTES,
    idempotencyWindowBytes: IDEMPOTENCY_WINDOW_BYTES,
  })
  const server = new grpc.Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc-node.max_session_memory': 64,
  })
  widenCalls(server)
  let boundPort = 0
  addServices(
    server,
    { book, nowMs: Date.now, maxAppendBytes: options.maxAppendBytes ?? DEFAULT_MAX_APPEND_BYTES, maxPendingBytes: MAX_PENDING_BYTES },
    () => ({
      host,
      port: boundPort,
    }),
  )
  try {
    boundPort = await bind(server, host, options.port ?? 0)
    widenConnections(server)
  } catch (cause) {
    await storage.close()
    throw cause
  }
  return {
    connectionString: `esdb://${host === '::1' ? '[::1]' : host}:${boundPort}?tls=false`,
    port: boundPort,
    close: async () => {
      await book.drained()
      await shutDown(server)
      await book.drained()
      await storage.close()
    },
  }
}

/** Takes messages as they come off the wire and gives bytes back: events are encoded and decoded by hand, see `wire-reader.ts`. */
function raw<T extends grpc.MethodDefinition<never, never>>(definition: T): grpc.MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer): Buffer => bytes
  return { ...definition, requestDeserialize: same, responseSerialize: same, requestSerialize: same, responseDeserialize: same }
}

function addServices(server: grpc.Server, append: AppendCallOptions, endpoint: () => { host: string; port: number }): void {
  const streams = StreamsService as unknown as Record<string, grpc.MethodDefinition<never, never>>
  server.addService(
    { read: raw(streams.read), append: raw(streams.append), batchAppend: raw(streams.batchAppend) },
    {
      read: (call: grpc.ServerWritableStream<Buffer, Buffer>) => void serveRead(call, append.book),
      append: (call: grpc.ServerReadableStream<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) =>
        serveAppend(call, callback, append),
      batchAppend: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => serveBatchAppend(call, append),
    },
  )
  server.addService(ServerFeaturesService, {
    getSupportedMethods: (_call: unknown, callback: grpc.sendUnaryData<SupportedMethods>) => callback(null, supportedMethods()),
  })
  server.addService(GossipService, {
    read: (_call: unknown, callback: grpc.sendUnaryData<ClusterInfo>) => callback(null, clusterOf(endpoint())),
  })
  refuse(server, { delete: streams.delete, tombstone: streams.tombstone })
  refuse(server, PersistentSubscriptionsService as unknown as Record<string, grpc.MethodDefinition<never, never>>)
  refuse(server, ProjectionsService as unknown as Record<string, grpc.MethodDefinition<never, never>>)
}

function refuse(server: grpc.Server, definitions: Readonly<Record<string, grpc.MethodDefinition<never, never>>>): void {
  const handlers: Record<string, (call: grpc.ServerWritableStream<unknown, unknown>, callback?: grpc.sendUnaryData<never>) => void> = {}
  for (const [name, definition] of Object.entries(definitions)) {
    const text = `The embedded ledger does not offer ${definition.path}. Use EventStoreDB or KurrentDB where it is needed.`
    handlers[name] = (call, callback) => {
      const refusal = failure(grpc.status.UNIMPLEMENTED, text)
      if (definition.responseStream) call.emit('error', refusal)
      else callback?.(refusal)
    }
  }
  server.addService(definitions as unknown as grpc.ServiceDefinition, handlers)
}

function supportedMethods(): SupportedMethods {
  const supported = new SupportedMethods()
  supported.setEventStoreServerVersion('24.10.0-riskledger-embedded')
  const methods = [
    ['event_store.client.streams.Streams', 'read'],
    ['event_store.client.streams.Streams', 'append'],
    ['event_store.client.streams.Streams', 'batchappend'],
    ['event_store.client.gossip.Gossip', 'read'],
    ['event_store.client.server_features.ServerFeatures', 'getsupportedmethods'],
  ]
  for (const [service, name] of methods) {
    const method = new SupportedMethod()
    method.setServiceName(service)
    method.setMethodName(name)
    supported.addMethods(method)
  }
  return supported
}

function clusterOf({ host, port }: { host: string; port: number }): ClusterInfo {
  const address = new EndPoint()
  address.setAddress(host)
  address.setPort(port)
  const id = new UUID()
  id.setString('00000000-0000-0000-0000-000000000001')
  const member = new MemberInfo()
  member.setInstanceId(id)
  member.setIsAlive(true)
  member.setState(MemberInfo.VNodeState.LEADER)
  member.setHttpEndPoint(address)
  const cluster = new ClusterInfo()
  cluster.addMembers(member)
  return cluster
}

function bind(server: grpc.Server, host: string, port: number): Promise<number> {
  const address = host === '::1' ? `[::1]:${port}` : `${host}:${port}`
  return new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (cause, bound) => {
      if (cause === null) return resolve(bound)
      reject(
        new RiskError('ledger-unavailable', `The embedded ledger cannot listen on ${address}: ${cause.message}. Is the port taken?`, {
          retriable: true,
          cause,
          context: { host, port },
        }),
      )
    })
  })
}

/** Lets calls that are about to end do so; subscriptions and idle append calls never do, so they are cut after a moment. */
function shutDown(server: grpc.Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown()
      resolve()
    }, CLOSE_GRACE_MS)
    server.tryShutdown(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
