import { RiskError, type Ledger } from '@riskledger/contracts'

/** Waits until a screener has begun a journal and put a policy into force. Throws `cancelled` once `signal` aborts. */
export async function firstPolicyActivated(
  ledger: Ledger,
  { stream, signal }: { readonly stream: string; readonly signal: AbortSignal },
): Promise<void> {
  for await (const message of ledger.subscribeToStream(stream, { after: 'start', signal })) {
    if (message.kind === 'entry' && message.entry.type === 'PolicyActivated') return
  }
  throw new RiskError('cancelled', `Stopped before ${stream} was begun by a screener.`, { retriable: false })
}
