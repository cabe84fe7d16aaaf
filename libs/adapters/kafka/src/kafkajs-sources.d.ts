/** What this package uses of kafkajs 2.2.4 beneath its public face. `kafkajs-internals.int.test.ts` fails where the shape differs. */

declare module 'kafkajs/src/cluster/index.js' {
  export interface Connection {
    isConnected(): boolean
    send(exchange: {
      readonly request: {
        readonly apiKey: number
        readonly apiVersion: number
        readonly apiName: string
        encode(): Promise<unknown>
      }
      readonly response: { decode(payload: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<unknown> }
      readonly requestTimeout?: number
    }): Promise<unknown>
  }
  export interface Broker {
    readonly nodeId: number
    readonly connectionPool: { getConnection(index: number): Promise<Connection> }
    disconnect(): Promise<void>
    initProducerId(request: {
      readonly transactionTimeout: number
    }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>
  }
  export interface PartitionMetadata {
    readonly partitionId: number
    readonly leader: number
  }
  export default class Cluster {
    constructor(options: object)
    connect(): Promise<void>
    disconnect(): Promise<void>
    refreshMetadata(): Promise<void>
    addMultipleTargetTopics(topics: readonly string[]): Promise<void>
    findBroker(place: { readonly nodeId: number }): Promise<Broker>
    findControllerBroker(): Promise<Broker>
    findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[]
  }
}

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net'
  export default class Connection {
    socket?: Socket
    chunks: Buffer[]
    bytesBuffered: number
    bytesNeeded: number
    isConnected(): boolean
    connect(): Promise<boolean>
  }
}

declare module 'kafkajs/src/loggers/index.js' {
  export function createLogger(options: { readonly level: number; readonly logCreator: unknown }): unknown
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    writeBufferInternal(buffer: Buffer): void
  }
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(buffer: Buffer)
  }
}

declare module 'kafkajs/src/protocol/recordBatch/v0/decoder.js' {
  import type Decoder from 'kafkajs/src/protocol/decoder.js'
  interface DecodedRecord {
    readonly offset: string
    readonly timestamp: string
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly headers: Readonly<Record<string, Buffer>>
  }
  /** Our records are held equal to what it reads. */
  export default function decodeRecordBatch(
    decoder: Decoder,
  ): Promise<{ readonly records: readonly DecodedRecord[]; readonly producerId: string; readonly firstSequence: number }>
}

declare module 'kafkajs/src/protocol/error.js' {
  export function createErrorFromCode(code: number): Error & { readonly type: string; readonly code: number; readonly retriable: boolean }
}

declare module 'kafkajs-snappy' {
  export default function createSnappyCodec(): { decompress(buffer: Buffer): Promise<Buffer> }
}
