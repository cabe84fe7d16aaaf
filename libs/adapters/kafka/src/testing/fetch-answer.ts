import { ByteReader } from '../byte-reader'
import { ByteWriter } from '../byte-writer'
import type { WireRequest } from '../kafkajs-internals'

/** What a fetch request asks for, by topic. */
export function askedIn({ body }: WireRequest): { readonly maxWaitMs: number; readonly offsets: Readonly<Record<string, number>> } {
  const reader = new ByteReader(Buffer.from(body))
  reader.int32()
  const maxWaitMs = reader.int32()
  reader.at += 4 + 4 + 1 + 4 + 4
  const offsets: Record<string, number> = {}
  for (let left = reader.int32(); left > 0; left--) {
    const topic = reader.string()
    reader.at += 4 + 4 + 4
    offsets[topic] = reader.int64()
    reader.at += 8 + 4
  }
  return { maxWaitMs, offsets }
}

/** A fetch response about partition 0 of topics. */
export function fetchAnswer(
  topics: Readonly<Record<string, { readonly errorCode?: number; readonly end?: number; readonly batches?: Buffer }>>,
): Buffer {
  const writer = new ByteWriter()
  writer.int32(0)
  writer.int16(0)
  writer.int32(0)
  writer.int32(Object.keys(topics).length)
  for (const [topic, { errorCode = 0, end = 0, batches = Buffer.alloc(0) }] of Object.entries(topics)) {
    writer.string(topic)
    writer.int32(1)
    writer.int32(0)
    writer.int16(errorCode)
    writer.int64(end)
    writer.int64(end)
    writer.int64(0)
    writer.int32(-1)
    writer.int32(-1)
    writer.int32(batches.length)
    writer.raw(batches)
  }
  return Buffer.from(writer.view())
}

/** An answer about one end of partition 0 of a topic. */
export function offsetAnswer(topic: string, offset: number): Buffer {
  const writer = new ByteWriter()
  writer.int32(0)
  writer.int32(1)
  writer.string(topic)
  writer.int32(1)
  writer.int32(0)
  writer.int16(0)
  writer.int64(-1)
  writer.int64(offset)
  return Buffer.from(writer.view())
}
