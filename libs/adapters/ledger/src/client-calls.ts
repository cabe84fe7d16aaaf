import type { EventStoreDBClient } from '@eventstore/db-client'
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb'
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb'
import {
  makeGenericClientConstructor,
  type CallOptions,
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type Metadata,
  type MethodDefinition,
  type ServiceDefinition,
} from '@grpc/grpc-js'
import { readMessage, type ReadMessage } from './read-message'

/** The streams service: appends as the bytes that are on the wire, what is read as it is used here. */
interface ByteStreams extends Client {
  read(request: ReadReq, metadata: Metadata, options: CallOptions): ClientReadableStream<ReadMessage>
  batchAppend(metadata: Metadata, options: CallOptions): ClientDuplexStream<Buffer, Buffer>
}

/**
 * What the client keeps for its own methods (`protected`): calls over its connection, with its discovery, keep-alive, credentials and
 * reconnection. Used so that messages can be written and read here; the client's version is pinned for it.
 */
interface ClientCalls {
  GRPCStreamCreator<T>(
    constructor: unknown,
    name: string,
    create: (client: ByteStreams) => T,
    opened?: WeakMap<object, T>,
  ): () => Promise<T>
  callArguments(base: object, options: CallOptions): [Metadata, CallOptions]
  createDeadline(): Date
  supports(method: unknown): Promise<boolean>
}

/** The bidirectional append call, in bytes. */
export type BatchAppendCall = ClientDuplexStream<Buffer, Buffer>

const methods = StreamsService as unknown as Record<string, MethodDefinition<never, never>>
const same = (bytes: Buffer): Buffer => bytes
const definitions = {
  batchAppend: { ...methods.batchAppend, requestSerialize: same, responseDeserialize: same },
  read: { ...methods.read, responseDeserialize: readMessage },
}
const ByteStreamsClient = makeGenericClientConstructor(definitions as unknown as ServiceDefinition, 'event_store.client.streams.Streams')

/** Opens a read or a subscription over the client's connection. */
export function openRead(client: EventStoreDBClient, request: ReadReq): Promise<ClientReadableStream<ReadMessage>> {
  const calls = client as unknown as ClientCalls
  const open = (streams: ByteStreams): ClientReadableStream<ReadMessage> =>
    streams.read(request, ...calls.callArguments({}, { deadline: Infinity }))
  return calls.GRPCStreamCreator(ByteStreamsClient, 'read', open)()
}

/** Gives the client's append call; `begin` sees each one that has to be opened, once. */
export function batchAppendCalls(client: EventStoreDBClient, begin: (call: BatchAppendCall) => void): () => Promise<BatchAppendCall> {
  const calls = client as unknown as ClientCalls
  const open = (streams: ByteStreams): BatchAppendCall => {
    const call = streams.batchAppend(...calls.callArguments({}, { deadline: Infinity }))
    begin(call)
    return call
  }
  return calls.GRPCStreamCreator(ByteStreamsClient, 'appendToStream', open, new WeakMap<object, BatchAppendCall>())
}

/** Whether the server takes appends in batches; old ones do not. */
export function supportsBatchAppend(client: EventStoreDBClient): Promise<boolean> {
  return (client as unknown as ClientCalls).supports(methods.batchAppend)
}

/** By when the server has to answer a request that is made now, by the client's settings. */
export function deadlineOf(client: EventStoreDBClient): Date {
  return (client as unknown as ClientCalls).createDeadline()
}
