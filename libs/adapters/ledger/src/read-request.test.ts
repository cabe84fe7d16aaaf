import { EventStoreDBClient, streamNameFilter } from '@eventstore/db-client'
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb'
import { PassThrough } from 'node:stream'
import { allRead, allSubscription, streamRead, streamSubscription } from './read-request'

/** The request that a method of the client sends: the method runs on a client whose calls go nowhere. */
async function requestOf(method: (client: EventStoreDBClient) => unknown): Promise<object | undefined> {
  let sent: ReadReq | undefined
  const nowhere = {
    callArguments: () => [],
    GRPCStreamCreator:
      (_constructor: unknown, _name: string, create: (streams: { read: (request: ReadReq) => void }) => void) => async () => {
        create({ read: (request) => void (sent = request) })
        return new PassThrough({ objectMode: true })
      },
  }
  await method(Object.setPrototypeOf(nowhere, EventStoreDBClient.prototype) as EventStoreDBClient)
  return sent?.toObject()
}

describe('a request says what that of the client says', () => {
  test.each([
    ['from the start', { from: 'start', direction: 'forwards' }, { fromRevision: 'start', direction: 'forwards' }],
    ['from the end', { from: 'end', direction: 'backwards', maxCount: 1 }, { fromRevision: 'end', direction: 'backwards', maxCount: 1 }],
    ['from a revision', { from: 7, direction: 'forwards' }, { fromRevision: 7n, direction: 'forwards' }],
  ] as const)('reading a stream %s', async (_name, ours, theirs) => {
    expect(streamRead('ström', ours).toObject()).toEqual(await requestOf((client) => client.readStream('ström', theirs)))
  })

  test('reading $all', async () => {
    expect(allRead(1).toObject()).toEqual(await requestOf((client) => client.readAll({ maxCount: 1 })))
  })

  test('following a stream', async () => {
    expect(streamSubscription('s', 'start').toObject()).toEqual(await requestOf((client) => client.subscribeToStream('s')))
    expect(streamSubscription('s', 7).toObject()).toEqual(await requestOf((client) => client.subscribeToStream('s', { fromRevision: 7n })))
  })

  test('following $all', async () => {
    const filter = streamNameFilter({ prefixes: ['a-', 'b-'], checkpointInterval: 32 })
    expect(allSubscription('start', ['a-', 'b-']).toObject()).toEqual(await requestOf((client) => client.subscribeToAll({ filter })))
    const fromPosition = { commit: 2n ** 60n, prepare: 8n }
    expect(allSubscription(fromPosition, ['a-', 'b-']).toObject()).toEqual(
      await requestOf((client) => client.subscribeToAll({ filter, fromPosition })),
    )
  })
})
