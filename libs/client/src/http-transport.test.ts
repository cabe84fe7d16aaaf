import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import type { Outgoing } from './delivery'
import { HttpGateway } from './http-gateway'
import { httpTransport } from './http-transport'

/** An event with its number as trace id. */
function outgoing(id: number, topic: 'payments' | 'logins' = 'payments'): Outgoing {
  return { topic, event: { ...MINIMAL_EVENTS[topic], traceId: String(id) } as unknown as Outgoing['event'], bytes: 100 }
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

const receiptsOf = (ids: readonly number[]): Answer => ({
  status: 202,
  body: ids.map((id) => ({ topic: 'payments', partition: 0, offset: id, digest: 'd' })),
})
const receipt = (id: number): object => ({ topic: 'payments', partition: 0, offset: id })

/** A transport whose gateway answers to the ids that it is sent; they are noted. */
function transportOf(answer: (ids: readonly number[]) => Answer): {
  readonly transport: ReturnType<typeof httpTransport>
  readonly sent: (readonly number[])[]
} {
  const sent: (readonly number[])[] = []
  const gateway = new HttpGateway({
    url: 'http://gateway',
    fetch: (_url, request) => {
      const ids = (JSON.parse(request!.body as string) as { traceId: string }[]).map(({ traceId }) => Number(traceId))
      sent.push(ids)
      const { status, body } = answer(ids)
      return Promise.resolve(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status }))
    },
  })
  return { transport: httpTransport(gateway), sent }
}

test.each([
  [413, { code: 'body-too-large', detail: 'too large' }],
  [413, '<html>Request Entity Too Large</html>'],
  [400, { code: 'body-invalid', detail: 'too many', errors: [{ field: '', code: 'size', reason: 'too many' }] }],
])('a run that is refused as a whole with %d is halved until it is taken; the rest waits its turn', async (status, body) => {
  const { transport, sent } = transportOf((ids) => (ids.length > 2 ? { status, body } : receiptsOf(ids)))
  const batch = [1, 2, 3, 4, 5].map((id) => outgoing(id))
  expect(await transport.send(batch)).toEqual([receipt(1), receipt(2), null, null, null])
  expect(sent).toEqual([
    [1, 2, 3, 4, 5],
    [1, 2, 3],
    [1, 2],
  ])
})

test('an event that is too large for itself is refused alone', async () => {
  const { transport, sent } = transportOf((ids) => (ids.includes(1) ? { status: 413, body: { detail: 'too large' } } : receiptsOf(ids)))
  const results = await transport.send([outgoing(1), outgoing(2), outgoing(3), outgoing(4, 'logins')])
  expect(results).toMatchObject([{ code: 'input-rejected', retriable: false, context: { status: 413 } }, null, null, null])
  expect(sent).toEqual([[1, 2, 3], [1, 2], [1]])
})

test.each([401, 409, 415, 422])('what is refused with %d is not halved', async (status) => {
  const { transport, sent } = transportOf(() => ({ status, body: {} }))
  expect(await transport.send([outgoing(1), outgoing(2)])).toMatchObject([{ retriable: false }, { retriable: false }])
  expect(sent).toHaveLength(1)
})

test.each([
  ['no JSON', '<html>Welcome</html>'],
  ['no list', { receipts: [] }],
  ['a list of too few', [receipt(1)]],
  ['a list of too many', [receipt(1), receipt(2), receipt(3)]],
  ['a list of something else', [null, {}]],
])('an answer 202 that is %s leaves it open what was taken: the same may be sent again', async (_name, body) => {
  const { transport } = transportOf(() => ({ status: 202, body }))
  await expect(transport.send([outgoing(1), outgoing(2)])).rejects.toMatchObject({
    code: 'log-unavailable',
    retriable: true,
    message: expect.stringContaining('receipts'),
    context: { topic: 'payments', events: 2 },
  })
})
