import { join } from 'node:path'
import { Worker, type ResourceLimits, type Transferable } from 'node:worker_threads'
import { fromPlainError, INPUT_FOLLOWS, type FromThread, type ToThread } from './thread-protocol'

/** How a thread is started. */
export interface ThreadOptions {
  /** Name in errors and in the thread's list of a debugger. */
  readonly name: string
  /** Handed to the thread as `ThreadContext.input`, structurally cloned. */
  readonly input: unknown
  /** Moved to the thread instead of cloned. */
  readonly transfer?: readonly Transferable[]
  readonly resourceLimits?: ResourceLimits
  /** After `stop()` the thread has this long to drain before it is ended by force; default 30,000 ms. */
  readonly stopTimeoutMs?: number
  /** Called for each message that the thread posts. */
  readonly onMessage?: (message: unknown) => void
}

/** A thread that runs. The type parameters are what its module promises; they are not checked at run time. */
export interface Thread<Ready = unknown, Result = unknown> {
  /** Resolves to what the thread said when it began to serve; rejects if it ended before. */
  readonly ready: Promise<Ready>
  /** Resolves to what the thread's main function returned; rejects with its error, or where the thread died. */
  readonly done: Promise<Result>
  post(message: unknown): void
  /** Asks the thread to drain and leave, by force past `stopTimeoutMs`; resolves or rejects as `done` does. */
  stop(): Promise<Result>
  /** Ends the thread at once, like a crash; `done` rejects. */
  terminate(): Promise<void>
}

/**
 * Starts a module in a worker thread; the module's last line is `runThread(main)`. A path ending in `.ts` runs through
 * `register.cjs`, also where the starter itself does not (Jest transforms its own files only); a bundle's `.js` needs nothing.
 */
export function startThread<Ready = unknown, Result = unknown>(modulePath: string, options: ThreadOptions): Thread<Ready, Result> {
  return spawn<Ready, Result>(modulePath, options).thread
}

/** A thread that loads its module and has been given nothing to do yet. */
export interface LoadingThread<Ready = unknown, Result = unknown> {
  /**
   * Gives the thread its input, structurally cloned; `onMessage` is called for each message that it posts. Throws where the thread has begun or was ended,
   * and where the input cannot be cloned.
   */
  begin(input: unknown, onMessage?: ThreadOptions['onMessage']): Thread<Ready, Result>
  /** Ends a thread that never began, once its module is loaded: native code that is ended in its load takes the process with it. One that did begin is left alone. */
  end(): Promise<void>
}

/** Starts a module in a worker thread before it is known what it is to do: it loads while what it works on opens. `stopTimeoutMs` is the default. */
export function loadThread<Ready = unknown, Result = unknown>(modulePath: string, name: string): LoadingThread<Ready, Result> {
  let listen: ThreadOptions['onMessage']
  let isLoading = true
  const { thread, send } = spawn<Ready, Result>(modulePath, { name, input: INPUT_FOLLOWS, onMessage: (message) => listen?.(message) })
  return {
    begin: (value, onMessage) => {
      if (!isLoading) throw new Error(`thread ${name} has begun, or was ended`)
      listen = onMessage
      send({ kind: 'input', value })
      isLoading = false
      return thread
    },
    end: async () => {
      if (!isLoading) return
      isLoading = false
      await Promise.allSettled([thread.stop()])
    },
  }
}

function spawn<Ready, Result>(
  modulePath: string,
  options: ThreadOptions,
): { readonly thread: Thread<Ready, Result>; readonly send: (message: ToThread) => void } {
  const { name, stopTimeoutMs = 30_000 } = options
  const worker = new Worker(modulePath, {
    name,
    workerData: options.input,
    // Said outright: a worker inherits its starter's flags otherwise, which under Jest know nothing of TypeScript.
    execArgv: modulePath.endsWith('.ts') ? ['--require', join(__dirname, '..', 'register.cjs')] : [],
    ...(options.transfer === undefined ? {} : { transferList: [...options.transfer] }),
    ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
  })
  const send = (message: ToThread): void => worker.postMessage(message)
  let forced: string | undefined
  const end = (reason: string): Promise<number> => {
    forced ??= reason
    return worker.terminate()
  }

  const { ready, done } = outcomeOf<Ready, Result>(worker, { name, onMessage: options.onMessage, forced: () => forced })
  const thread: Thread<Ready, Result> = {
    ready,
    done,
    post: (value) => send({ kind: 'message', value }),
    stop: async () => {
      send({ kind: 'stop' })
      const timer = setTimeout(() => void end(`did not stop within ${stopTimeoutMs} ms and was ended by force`), stopTimeoutMs)
      try {
        return await done
      } finally {
        clearTimeout(timer)
      }
    },
    terminate: async () => {
      await end('was terminated')
    },
  }
  return { thread, send }
}

interface OutcomeOptions {
  readonly name: string
  readonly onMessage: ((message: unknown) => void) | undefined
  /** Why the thread was ended from outside, if it was. */
  readonly forced: () => string | undefined
}

/** Settles `ready` and `done` from the thread's messages; `done` only once the thread is gone, so that nothing of it is left. */
function outcomeOf<Ready, Result>(
  worker: Worker,
  { name, onMessage, forced }: OutcomeOptions,
): { ready: Promise<Ready>; done: Promise<Result> } {
  let settleReady: { resolve: (value: Ready) => void; reject: (error: Error) => void }
  const ready = new Promise<Ready>((resolve, reject) => (settleReady = { resolve, reject }))
  const done = new Promise<Result>((resolve, reject) => {
    let finished: { readonly value: Result } | undefined
    let failure: Error | undefined
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'ready') settleReady.resolve(message.value as Ready)
      else if (message.kind === 'message') onMessage?.(message.value)
      else if (message.kind === 'done') finished = { value: message.value as Result }
      else failure = fromPlainError(message.error)
    })
    worker.on('messageerror', (error) => (failure ??= error))
    worker.on('error', (error) => (failure ??= new Error(`thread ${name} crashed: ${error.message}`, { cause: error })))
    worker.on('exit', (code) => {
      if (failure === undefined && finished !== undefined) {
        resolve(finished.value)
        settleReady.reject(new Error(`thread ${name} ended without having been ready`))
        return
      }
      const error = failure ?? new Error(`thread ${name} ${forced() ?? `ended with exit code ${code} before it was done`}`)
      reject(error)
      settleReady.reject(error)
    })
  })
  // Whoever awaits them sees the rejection; one that nobody awaits must not crash the process beside the other.
  ready.catch(() => undefined)
  done.catch(() => undefined)
  return { ready, done }
}
