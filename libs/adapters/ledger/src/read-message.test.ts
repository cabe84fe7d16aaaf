import { StreamNotFoundError } from '@eventstore/db-client'
import { convertGrpcEvent } from '@eventstore/db-client/dist/utils'
import { Empty, StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb'
import { ReadResp } from '@eventstore/db-client/generated/streams_pb'
import fc from 'fast-check'
import { readMessage } from './read-message'

const { ReadEvent } = ReadResp
const uint64 = fc.oneof(fc.nat().map(BigInt), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
const json = fc.json({ maxDepth: 1 }).map((text) => Buffer.from(JSON.stringify(JSON.parse(text))))
const recorded = fc.record({
  id: fc.uuid(),
  stream: fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }),
  type: fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }),
  isJson: fc.boolean(),
  createdTicks: fc.bigInt({ min: 10_000n, max: 10_000n * 2n ** 43n }),
  revision: fc.oneof(fc.nat(), fc.integer({ min: 2 ** 40, max: Number.MAX_SAFE_INTEGER })),
  commit: uint64,
  prepare: uint64,
  data: json,
  metadata: json,
})

function eventBytes(given: typeof recorded extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const id = new UUID()
  id.setString(given.id)
  const identifier = new StreamIdentifier()
  identifier.setStreamName(Buffer.from(given.stream))
  const event = new ReadEvent.RecordedEvent()
  event.setId(id)
  event.setStreamIdentifier(identifier)
  event.setStreamRevision(String(given.revision))
  event.setCommitPosition(String(given.commit))
  event.setPreparePosition(String(given.prepare))
  event.getMetadataMap().set('type', given.type)
  event.getMetadataMap().set('content-type', given.isJson ? 'application/json' : 'application/octet-stream')
  event.getMetadataMap().set('created', String(given.createdTicks))
  event.setCustomMetadata(new Uint8Array(given.metadata))
  event.setData(new Uint8Array(given.data))
  const read = new ReadEvent()
  read.setEvent(event)
  read.setCommitPosition(String(given.commit))
  const answer = new ReadResp()
  answer.setEvent(read)
  return Buffer.from(answer.serializeBinary())
}

describe('readMessage', () => {
  test('an event: what the client makes of it, and the bytes that were recorded', () => {
    fc.assert(
      fc.property(recorded, (given) => {
        const bytes = eventBytes(given)
        const event = ReadResp.deserializeBinary(bytes).getEvent()
        const client = event === undefined ? undefined : convertGrpcEvent(event).event
        expect(readMessage(bytes)).toEqual({
          kind: 'entry',
          entry: {
            id: client?.id,
            type: client?.type,
            contentType: client?.isJson === true ? 'json' : 'binary',
            data: new Uint8Array(given.data),
            metadata: new Uint8Array(given.metadata),
            stream: client?.streamId,
            revision: Number(client?.revision),
            createdMs: client?.created.getTime(),
            position: (client as { position?: unknown }).position,
          },
        })
      }),
      { numRuns: 300 },
    )
  })

  test('a time that cannot be read is 0, an event without fields has their defaults', () => {
    const bytes = eventBytes({ ...fc.sample(recorded, { numRuns: 1, seed: 1 })[0], createdTicks: 2n ** 200n })
    expect(readMessage(bytes)).toMatchObject({ kind: 'entry', entry: { createdMs: 0 } })
    const read = new ReadEvent()
    read.setEvent(new ReadEvent.RecordedEvent())
    const answer = new ReadResp()
    answer.setEvent(read)
    expect(readMessage(Buffer.from(answer.serializeBinary()))).toMatchObject({
      kind: 'entry',
      entry: {
        contentType: 'binary',
        revision: 0,
        data: new Uint8Array(0),
        metadata: new Uint8Array(0),
        position: { commit: 0n, prepare: 0n },
      },
    })
  })

  test('a small entry does not keep the memory that it came in, a large one is not copied', () => {
    const [given] = fc.sample(recorded, { numRuns: 1, seed: 2 })
    const entryIn = (bytes: Buffer): Uint8Array => {
      const message = readMessage(bytes)
      if (message.kind !== 'entry') throw new Error('not an entry')
      return message.entry.data
    }
    const slab = Buffer.alloc(64 * 1024)
    const length = eventBytes(given).copy(slab, 100)
    expect(entryIn(slab.subarray(100, 100 + length)).buffer.byteLength).toBe(given.data.length)
    const large = Buffer.from(new Uint8Array(eventBytes({ ...given, data: Buffer.alloc(10_000) })).buffer)
    expect(entryIn(large).buffer).toBe(large.buffer)
  })

  test('everything else', () => {
    const answer = (fill: (response: ReadResp) => void) => {
      const response = new ReadResp()
      fill(response)
      return readMessage(Buffer.from(response.serializeBinary()))
    }
    const checkpoint = new ReadResp.Checkpoint()
    checkpoint.setCommitPosition('18446744073709551615')
    checkpoint.setPreparePosition('7')
    expect(answer((response) => response.setCheckpoint(checkpoint))).toEqual({
      kind: 'checkpoint',
      position: { commit: 18446744073709551615n, prepare: 7n },
    })
    const notFound = new ReadResp.StreamNotFound()
    const identifier = new StreamIdentifier()
    identifier.setStreamName(Buffer.from('lost'))
    notFound.setStreamIdentifier(identifier)
    const missing = answer((response) => response.setStreamNotFound(notFound))
    expect(missing).toEqual({ kind: 'not-found', failure: expect.any(StreamNotFoundError) })
    expect(missing).toMatchObject({ failure: { streamName: 'lost' } })
    expect(answer((response) => response.setCaughtUp(new ReadResp.CaughtUp()))).toEqual({ kind: 'caught-up' })
    expect(answer((response) => response.setFellBehind(new ReadResp.FellBehind()))).toEqual({ kind: 'other' })
    expect(answer((response) => response.setConfirmation(new ReadResp.SubscriptionConfirmation()))).toEqual({ kind: 'other' })
    const link = new ReadEvent()
    link.setLink(new ReadEvent.RecordedEvent())
    link.setNoPosition(new Empty())
    expect(answer((response) => response.setEvent(link))).toEqual({ kind: 'other' })
  })
})
