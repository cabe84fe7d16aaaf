import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import Connection from 'kafkajs/src/network/connection.js'
import { createLogger } from 'kafkajs/src/loggers/index.js'
import { mendConnections } from './mend-connections'

interface Opened {
  new (options: object): Connection & {
    disconnect(): Promise<unknown>
  }
}

let server: Server
let sockets: Socket[]
beforeEach(async () => {
  mendConnections()
  sockets = []
  server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await new Promise<void>((resolve) => server.close(() => resolve()))
})

function open(): InstanceType<Opened> {
  const { port } = server.address() as AddressInfo
  const socketFactory = ({ onConnect }: { readonly onConnect: () => void }): Socket => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', onConnect)
    return socket
  }
  const logger = createLogger({ level: 0, logCreator: () => () => undefined })
  const options = { host: '127.0.0.1', port, clientId: 'test', logger, socketFactory, connectionTimeout: 5_000, requestTimeout: 5_000 }
  return new (Connection as unknown as Opened)(options)
}

test('what had come of an answer when a connection broke is not put before the next one', async () => {
  const connection = open()
  await connection.connect()
  // Half of an answer of 100 bytes.
  sockets[0].write(Buffer.concat([Buffer.from([0, 0, 0, 100]), Buffer.alloc(50)]))
  await once(connection.socket!, 'data')
  sockets[0].destroy()
  await once(connection.socket!, 'close')
  await connection.disconnect()
  await connection.connect()
  expect({ chunks: connection.chunks, bytesBuffered: connection.bytesBuffered, bytesNeeded: connection.bytesNeeded }).toEqual({
    chunks: [],
    bytesBuffered: 0,
    bytesNeeded: 4,
  })
  await connection.disconnect()
})

test('two that find a connection closed share one opening', async () => {
  const connection = open()
  const [one, other] = [connection.connect(), connection.connect()]
  expect(one).toBe(other)
  await Promise.all([one, other])
  expect(sockets).toHaveLength(1)
  await connection.disconnect()
})
