import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/**
 * What a proxy does to the bytes between two parties.
 * `forward`: passes them on. `delay`: passes them on `delayMs` later, in order. `drop-replies`: passes requests on and swallows what comes back.
 * `cut`: passes on half of the next piece in either direction, then ends the connection. `refuse`: takes no new connection, and ends those there are.
 */
export type ProxyFault =
  | { readonly kind: 'forward' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'drop-replies' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'refuse' }

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

/** A TCP proxy on 127.0.0.1 that stands between two parties and does to their connections what a test says. */
export class FaultProxy {
  private fault: ProxyFault = { kind: 'forward' }
  private readonly pairs = new Set<Pair>()
  /** What is held back on its way to a socket, in order. */
  private readonly heldBack = new WeakMap<Socket, Buffer[]>()
  /** Pieces that were swallowed, held back or cut, and connections that were refused: a test can tell that its fault bit. */
  disturbed = 0

  private constructor(
    private readonly listener: Server,
    private readonly target: { readonly host: string; readonly port: number },
  ) {}

  /** Listens on a free port, or on `port`, and connects to `target` for each connection it takes. */
  static async start(target: { readonly host?: string; readonly port: number }, port = 0): Promise<FaultProxy> {
    const listener = createServer()
    const proxy = new FaultProxy(listener, { host: target.host ?? '127.0.0.1', port: target.port })
    listener.on('connection', (client) => proxy.join(client))
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(port, '127.0.0.1', resolve)
    })
    return proxy
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port
  }

  /** Connections that pass through it now. */
  get connections(): number {
    return this.pairs.size
  }

  /** From now on, for every connection. */
  set(fault: ProxyFault): void {
    this.fault = fault
    if (fault.kind !== 'refuse') return
    this.disturbed += this.pairs.size
    this.endAll()
  }

  /** Ends every connection at once; new ones are taken as the fault says. */
  endAll(): void {
    for (const pair of this.pairs) this.end(pair)
  }

  /** Ends all connections and gives the port back. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.listener.close(() => resolve()))
    this.endAll()
    await closed
  }

  private join(client: Socket): void {
    if (this.fault.kind === 'refuse') {
      this.disturbed++
      return void client.destroy()
    }
    const server = connect(this.target)
    const pair = { client, server }
    this.pairs.add(pair)
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('close', () => this.end(pair))
      // What the two parties make of it is what is tested.
      socket.on('error', () => this.end(pair))
    }
    client.on('data', (bytes) => this.pass(bytes, { pair, to: server, isReply: false }))
    server.on('data', (bytes) => this.pass(bytes, { pair, to: client, isReply: true }))
  }

  private pass(bytes: Buffer, { pair, to, isReply }: { readonly pair: Pair; readonly to: Socket; readonly isReply: boolean }): void {
    const { fault } = this
    const held = this.heldBack.get(to) ?? []
    // Bytes of a connection never overtake each other, also where the fault changes.
    if (fault.kind !== 'delay') for (const earlier of held.splice(0)) to.write(earlier)
    switch (fault.kind) {
      case 'forward':
        return void to.write(bytes)
      case 'delay':
        this.disturbed++
        held.push(bytes)
        this.heldBack.set(to, held)
        // Unreferenced: what is still held back when all else has ended goes nowhere.
        setTimeout(() => {
          const first = held.shift()
          if (first !== undefined && to.writable) to.write(first)
        }, fault.delayMs).unref()
        return
      case 'drop-replies':
        if (!isReply) return void to.write(bytes)
        this.disturbed++
        return
      case 'cut':
        this.disturbed++
        to.write(bytes.subarray(0, bytes.length >> 1), () => this.end(pair))
        return
      case 'refuse':
        return this.end(pair)
      default: {
        const never: never = fault
        throw new Error(`unknown fault: ${JSON.stringify(never)}`)
      }
    }
  }

  private end(pair: Pair): void {
    if (!this.pairs.delete(pair)) return
    pair.client.destroy()
    pair.server.destroy()
  }
}
