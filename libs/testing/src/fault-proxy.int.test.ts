import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { FaultProxy } from './fault-proxy'

let echo: Server
let proxy: FaultProxy
let heard = ''
beforeEach(async () => {
  heard = ''
  echo = createServer((socket) => {
    socket.on('data', (bytes) => {
      heard += bytes.toString()
      socket.write(bytes)
    })
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  proxy = await FaultProxy.start({ port: (echo.address() as AddressInfo).port })
})
afterEach(async () => {
  await proxy.close()
  await new Promise<void>((resolve) => echo.close(() => resolve()))
})

async function dial(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

test('passes bytes on both ways, at once or later', async () => {
  const socket = await dial()
  socket.write('one')
  expect(String((await once(socket, 'data'))[0])).toBe('one')
  proxy.set({ kind: 'delay', delayMs: 1 })
  socket.write('two')
  expect(String((await once(socket, 'data'))[0])).toBe('two')
  expect(proxy.disturbed).toBe(2)
  socket.destroy()
  await until(() => proxy.connections === 0)
})

test('bytes that are held back are not overtaken by those that come after the delay', async () => {
  const socket = await dial()
  proxy.set({ kind: 'delay', delayMs: 60_000 })
  socket.write('first ')
  await until(() => proxy.disturbed === 1)
  proxy.set({ kind: 'forward' })
  socket.write('second')
  await until(() => heard.length === 'first second'.length)
  expect(heard).toBe('first second')
  socket.destroy()
})

test('a request arrives whose reply is dropped', async () => {
  const socket = await dial()
  const replies: string[] = []
  socket.on('data', (bytes) => replies.push(bytes.toString()))
  proxy.set({ kind: 'drop-replies' })
  socket.write('lost')
  await until(() => proxy.disturbed === 1)
  expect(heard).toBe('lost')
  proxy.set({ kind: 'forward' })
  socket.write('found')
  await until(() => replies.length > 0)
  expect(replies.join('')).toBe('found')
  socket.destroy()
})

test('a message is cut in the middle, and the connection with it', async () => {
  const socket = await dial()
  proxy.set({ kind: 'cut' })
  const closed = once(socket, 'close')
  socket.write('halved')
  await closed
  await until(() => heard.length > 0)
  expect(heard).toBe('hal')
})

test('connections are ended and refused, and taken again afterwards', async () => {
  const socket = await dial()
  const closed = once(socket, 'close')
  proxy.set({ kind: 'refuse' })
  await closed
  expect(proxy.disturbed).toBe(1)
  const refused = connect(proxy.port, '127.0.0.1')
  refused.on('error', () => undefined)
  await once(refused, 'close')
  expect(proxy.disturbed).toBe(2)
  proxy.set({ kind: 'forward' })
  const again = await dial()
  again.write('x')
  await once(again, 'data')
  again.destroy()
})
