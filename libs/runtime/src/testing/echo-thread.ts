import { RiskError } from '@riskledger/contracts'
import { runThread } from '../run-thread'

/** What the thread of the tests is asked to do. */
export interface EchoInput {
  readonly mode: 'echo' | 'hand-over' | 'fail' | 'fail-plainly' | 'crash' | 'exit' | 'hang' | 'finish-unready'
}

runThread<EchoInput>(async ({ input, signal, ready, post, onMessage }) => {
  switch (input.mode) {
    case 'echo':
      onMessage((message) => post({ echo: message }))
      ready({ serving: true })
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return 'drained'
    case 'hand-over': {
      const bytes = Uint8Array.of(1, 2, 3)
      post({ bytes }, [bytes.buffer])
      return bytes.length
    }
    case 'fail':
      throw new RiskError('disk-full', 'no room left', { retriable: true, cause: new Error('ENOSPC'), context: { free: 0 } })
    case 'fail-plainly':
      throw new TypeError('not a function')
    case 'crash':
      setImmediate(() => {
        throw new Error('thrown where nobody catches')
      })
      return new Promise(() => undefined)
    case 'exit':
      process.exit(3)
      return undefined
    case 'hang':
      ready()
      return new Promise(() => setInterval(() => undefined, 1_000))
    case 'finish-unready':
      return 'finished'
    default: {
      const never: never = input.mode
      throw new Error(String(never))
    }
  }
})
