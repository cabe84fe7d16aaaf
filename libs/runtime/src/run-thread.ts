import { parentPort, workerData, type Transferable } from 'node:worker_threads'
import { INPUT_FOLLOWS, toPlainError, type FromThread, type ToThread } from './thread-protocol'

/** What the main function of a thread is given. */
export interface ThreadContext<Input> {
  /** As handed to `startThread`, structurally cloned. */
  readonly input: Input
  /** Aborts when the thread is asked to stop: drain, then return. */
  readonly signal: AbortSignal
  /** Says, once, that the thread serves; the value resolves `Thread.ready`. */
  readonly ready: (value?: unknown) => void
  /** Says something to the starter; what is in `transfer` is moved there instead of cloned, and empty here from then on. */
  readonly post: (message: unknown, transfer?: readonly Transferable[]) => void
  /** Messages posted to this thread; those that came before the first listener are kept for it. */
  readonly onMessage: (listener: (message: unknown) => void) => void
}

/**
 * The last line of a thread's module: runs its main function and tells the starter how it went. The result resolves `Thread.done`,
 * a thrown error rejects it, as a RiskError where it was one. Called outside a thread it throws.
 */
export function runThread<Input>(main: (context: ThreadContext<Input>) => Promise<unknown>): void {
  const port = parentPort
  if (port === null) throw new Error('runThread was called outside a thread: start the module with startThread')
  const stopping = new AbortController()
  const early: unknown[] = []
  let take: (input: Input) => void = () => undefined
  const follows = new Promise<Input>((resolve, reject) => {
    take = resolve
    stopping.signal.addEventListener('abort', () => reject(new Error('it was stopped before it was given its input')))
  })
  // Where the input is there from the start nobody waits for it.
  follows.catch(() => undefined)
  let listener: ((message: unknown) => void) | undefined
  const send = (message: FromThread, transfer: readonly Transferable[] = []): void => port.postMessage(message, transfer)
  port.on('message', (message: ToThread) => {
    if (message.kind === 'stop') stopping.abort()
    else if (message.kind === 'input') take(message.value as Input)
    else if (listener === undefined) early.push(message.value)
    else listener(message.value)
  })
  const context: Omit<ThreadContext<Input>, 'input'> = {
    signal: stopping.signal,
    ready: (value) => send({ kind: 'ready', value }),
    post: (value, transfer) => send({ kind: 'message', value }, transfer),
    onMessage: (next) => {
      listener = next
      for (const message of early.splice(0)) next(message)
    },
  }
  void (async () => {
    try {
      const input = workerData === INPUT_FOLLOWS ? await follows : (workerData as Input)
      send({ kind: 'done', value: await main({ ...context, input }) })
    } catch (error) {
      send({ kind: 'failed', error: toPlainError(error) })
    } finally {
      port.close()
    }
  })()
}
