import Connection from 'kafkajs/src/network/connection.js'

/** A length in Kafka's protocol, before each answer. */
const LENGTH_BYTES = 4

let isMended = false

/**
 * Makes kafkajs' connections begin anew when they are opened again. Version 2.2.4 keeps what had come of an answer when a connection broke, and puts the first
 * bytes of the next one behind it: from then on no answer is understood, and every request times out for good. It also opens two sockets where two
 * requests find a connection closed, and hears both. Here an opening that is under way is shared, the earlier socket is heard no more, and nothing of it is kept. Done
 * once for the process, for its consumers and administration too.
 */
export function mendConnections(): void {
  if (isMended) return
  isMended = true
  const openings = new WeakMap<Connection, Promise<boolean>>()
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the connection that it is taken from
  const { connect } = Connection.prototype
  Connection.prototype.connect = function (this: Connection): Promise<boolean> {
    if (this.isConnected()) return Promise.resolve(true)
    const underWay = openings.get(this)
    if (underWay !== undefined) return underWay
    this.socket?.removeAllListeners('data')
    this.socket?.destroy()
    this.chunks = []
    this.bytesBuffered = 0
    this.bytesNeeded = LENGTH_BYTES
    const opening = connect.call(this).finally(() => openings.delete(this))
    openings.set(this, opening)
    return opening
  }
}
