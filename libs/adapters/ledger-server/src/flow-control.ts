import type { Http2Server, ServerHttp2Session, ServerOptions } from 'node:http2'
import type * as grpc from '@grpc/grpc-js'

/**
 * What a client may send before it waits for a window update. The protocol's default of 64 KiB costs a large append one round trip after another, each of which
 * waits until the client's thread is free again.
 */
const WINDOW_BYTES = 4 * 1024 * 1024

/** What the library keeps to itself. It knows a flow control window for clients only; its version is pinned for this. */
interface ServerParts {
  readonly commonServerOptions: ServerOptions
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>
}

/** Widens the window of each call; before the server is bound. */
export function widenCalls(server: grpc.Server): void {
  const { commonServerOptions } = server as unknown as ServerParts
  commonServerOptions.settings = { ...commonServerOptions.settings, initialWindowSize: WINDOW_BYTES }
}

/** Widens the window that the calls of a connection share; right after the server was bound. */
export function widenConnections(server: grpc.Server): void {
  const { http2Servers } = server as unknown as ServerParts
  for (const listener of http2Servers.keys()) {
    listener.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(WINDOW_BYTES))
  }
}
