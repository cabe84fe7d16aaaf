import { ByteReader } from '../byte-reader'
import type { ProducerIdentity, Wire, WireRequest } from '../kafkajs-internals'

/** What a test does with a request: bytes of an answer, or an error in its place. */
export type Answerer = (request: WireRequest, nodeId: number) => Promise<Buffer>

/** Connections to a cluster of one node, 1, whose answers a test gives. */
export class FakeWire implements Wire {
  readonly requests: WireRequest[] = []
  refreshes = 0
  producers = 0
  leader: number | undefined = 1
  /** With which no producer id is given out. */
  noProducer: Error | null = null

  constructor(private readonly answer: Answerer) {}

  send(nodeId: number, request: WireRequest): Promise<Buffer> {
    this.requests.push(request)
    return this.answer(request, nodeId)
  }

  refresh(): Promise<void> {
    this.refreshes++
    return Promise.resolve()
  }

  leaderOf(): number | undefined {
    return this.leader
  }

  newProducer(): Promise<ProducerIdentity> {
    if (this.noProducer !== null) return Promise.reject(this.noProducer)
    return Promise.resolve({ producerId: BigInt(++this.producers), producerEpoch: 0 })
  }
}

/** The batch that a produce request of one partition carries. */
export function batchIn({ body }: WireRequest): Buffer {
  const reader = new ByteReader(Buffer.from(body))
  reader.at = 2 + 2 + 4 + 4
  reader.string()
  reader.at += 4 + 4
  return reader.take(reader.int32())
}
