import type { ExpectedRevision, ProposedEntry } from '@riskledger/contracts'

/** Who calls a port: a simulated process. One that is not alive neither reaches a port nor hears from one. */
export interface Caller {
  readonly name: string
  readonly alive: boolean
}

/** What can be asked of the simulated ports. */
export type CallKind = 'append' | 'read' | 'subscription' | 'fetch' | 'range' | 'sources' | 'changed' | 'save' | 'load' | 'sleep' | 'turn'

/** An append as it is on its way: bytes of its own, so that it can land when its sender is long gone. */
export interface AppendRequest {
  readonly author: string
  readonly stream: string
  readonly expected: ExpectedRevision
  readonly entries: readonly ProposedEntry[]
}

/** A call on its way in. */
export interface CallRequest<T> {
  readonly caller: Caller
  readonly kind: CallKind
  /** What is asked, for a trace. */
  readonly text: string
  /** Takes effect at the port and gives the answer, or throws it. Called once. */
  readonly act: () => T
  /** Whether there is an answer yet; left out: at once, or for a timer once it is due. */
  readonly ready?: () => boolean
  /** Virtual time at which it is answered by time alone. */
  readonly dueMs?: number
  readonly append?: AppendRequest
}

type Outcome = { readonly kind: 'answer'; readonly value: unknown } | { readonly kind: 'error'; readonly error: unknown }

/** A call that nobody has answered yet. Whoever drives the simulation decides when it takes effect, when that is heard of, or that neither happens. */
export class PendingCall {
  private outcome: Outcome | null = null
  /** False once it was answered, refused or dropped. */
  open = true
  /** Called once it is not open any more. */
  onLeave: () => void = () => undefined

  constructor(
    private readonly board: PendingCalls,
    readonly request: CallRequest<unknown>,
    private readonly settle: { readonly resolve: (value: unknown) => void; readonly reject: (error: unknown) => void },
  ) {}

  /** True once it has taken effect: what is left is the answer's way back. */
  get taken(): boolean {
    return this.outcome !== null
  }

  /** True where the port has an answer, whatever the time. */
  get ready(): boolean {
    return this.taken || (this.request.ready?.() ?? this.request.dueMs === undefined)
  }

  /** Takes effect; the answer stays on its way. */
  take(): void {
    if (this.outcome !== null) return
    try {
      this.outcome = { kind: 'answer', value: this.request.act() }
    } catch (error) {
      this.outcome = { kind: 'error', error }
    }
  }

  /** Takes effect, if it has not, and tells the caller. Returns the error that it was told, if it was one. */
  answer(): unknown {
    this.take()
    const outcome = this.outcome!
    if (outcome.kind === 'error') this.refuse(outcome.error)
    else if (this.leave()) this.settle.resolve(outcome.value)
    return outcome.kind === 'error' ? outcome.error : undefined
  }

  /** Tells the caller an error, whether or not it has taken effect. */
  refuse(error: unknown): void {
    if (this.leave()) this.settle.reject(error)
  }

  /** Gives the caller a value of somebody else's making, as an abort does. */
  resolveWith(value: unknown): void {
    if (this.leave()) this.settle.resolve(value)
  }

  /** Nobody will hear of it any more. */
  drop(): void {
    this.leave()
  }

  private leave(): boolean {
    if (!this.open) return false
    this.open = false
    this.board.remove(this)
    this.onLeave()
    return true
  }
}

/** All calls on their way, in the order in which they were made. */
export class PendingCalls {
  readonly pending: PendingCall[] = []
  /** Sees each call before anybody else; whoever answers it here makes it one that takes no time. */
  onCall: (call: PendingCall) => void = () => undefined
  /** Sees each call of a caller that is not alive any more: nobody else does. */
  onLateCall: (request: CallRequest<unknown>) => void = () => undefined

  /** Makes a call; settles when the driver says so, never for a caller that is not alive. */
  ask<T>(request: CallRequest<T>): Promise<T> {
    return this.begin(request).promise
  }

  /** The same, with the call itself for who may have to end it early. */
  begin<T>(request: CallRequest<T>): { readonly call: PendingCall | null; readonly promise: Promise<T> } {
    let call: PendingCall | null = null
    const promise = new Promise<T>((resolve, reject) => {
      if (!request.caller.alive) {
        this.onLateCall(request)
        return
      }
      call = new PendingCall(this, request, { resolve: resolve as (value: unknown) => void, reject })
      this.pending.push(call)
      this.onCall(call)
    })
    return { call, promise }
  }

  /** Makes a call that ends early when `signal` aborts, as `onAbort` says. */
  askUntil<T>(request: CallRequest<T>, signal: AbortSignal | undefined, onAbort: (call: PendingCall) => void): Promise<T> {
    const { call, promise } = this.begin(request)
    if (call === null || signal === undefined) return promise
    const end = (): void => onAbort(call)
    if (signal.aborted) end()
    else {
      signal.addEventListener('abort', end)
      call.onLeave = () => signal.removeEventListener('abort', end)
      if (!call.open) call.onLeave()
    }
    return promise
  }

  /** Takes a call off the board. */
  remove(call: PendingCall): void {
    const at = this.pending.indexOf(call)
    if (at >= 0) this.pending.splice(at, 1)
  }
}
