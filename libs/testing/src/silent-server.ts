import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A TCP server on 127.0.0.1 that takes connections and never says anything, as whatever is reached and hangs. */
export class SilentServer {
  /** Resolves with the first connection. */
  readonly connected: Promise<unknown>
  private readonly sockets: Socket[] = []

  private constructor(private readonly server: Server) {
    this.connected = once(server, 'connection')
    server.on('connection', (socket) => this.sockets.push(socket.on('error', () => undefined).resume()))
  }

  /** Listens on a free port. */
  static async start(): Promise<SilentServer> {
    const server = createServer()
    const silent = new SilentServer(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return silent
  }

  /** `127.0.0.1:port`. */
  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Ends its connections, and takes no more. */
  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
