import { lastEntry, screeningStream } from '@riskledger/journal'
import type { FaultProxy, ProxyFault } from '@riskledger/testing'
import type { ChaosHouse } from '../chaos-house'
import { withLedger } from '../check-house'
import type { SeededChoice } from '../seeded-choice'

/** How long a fault may take to meet what it is meant for. */
const LIMIT_MS = 40_000

/** Records that pass under a fault of the connections, at least and at most. */
const LASTING = [150, 600] as const

/**
 * Lets a proxy delay, swallow replies, cut messages in the middle and refuse, each once, in a drawn order and for a drawn amount of work. Throws where a
 * fault met nothing, or replies of the ledger were dropped and none was that of an append that landed. Ends with a proxy that passes everything on.
 */
export async function disturbConnections(
  house: ChaosHouse,
  { proxy, choice }: { readonly proxy: FaultProxy; readonly choice: SeededChoice },
): Promise<void> {
  const faults: readonly ProxyFault[] = [
    { kind: 'drop-replies' },
    { kind: 'cut' },
    { kind: 'delay', delayMs: choice.whole(20, 300) },
    { kind: 'refuse' },
  ]
  for (const fault of choice.shuffled(faults)) {
    await house.pass(choice.whole(100, 400))
    const before = proxy.disturbed
    try {
      if (fault.kind === 'drop-replies' && proxy === house.ledgerProxy) await dropReplyOfAppend(house)
      else proxy.set(fault)
      // Through the gateway nothing may come now: what goes to the cluster past the proxy counts.
      await passToKafka(house, choice.whole(...LASTING))
      await untilBitten(proxy, before, fault)
    } finally {
      forwardAgain(proxy, fault)
    }
    await house.startWhatIsDown()
  }
  await house.pass(300)
}

function forwardAgain(proxy: FaultProxy, { kind }: ProxyFault): void {
  proxy.set({ kind: 'forward' })
  // What waits for a reply that was swallowed learns that it will not come.
  if (kind === 'drop-replies') proxy.endAll()
}

/** Lets the ledger's proxy swallow replies from a moment on after which an append landed. Throws where that does not happen in time. */
async function dropReplyOfAppend(house: ChaosHouse): Promise<void> {
  const fault = { kind: 'drop-replies' } as const
  for (const deadlineMs = performance.now() + LIMIT_MS; performance.now() < deadlineMs;) {
    // What a fault before it ended is connected again: without replies no connection comes to be, and no append is sent.
    if (!(await landsWithin(LIMIT_MS, house))) throw new Error('after the fault before, no append landed again')
    house.ledgerProxy.set(fault)
    if (await landsWithin(LIMIT_MS / 10, house)) return
    // Each journal had an append on its way already: whether the reply to one of them was swallowed, nobody can tell.
    forwardAgain(house.ledgerProxy, fault)
  }
  throw new Error('replies of the ledger were dropped, and no append landed whose reply could be one of them')
}

async function passToKafka({ toKafka }: ChaosHouse, records: number): Promise<void> {
  for (const until = toKafka.acknowledged + records; toKafka.acknowledged < until;) {
    toKafka.assertWell()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function untilBitten(proxy: FaultProxy, before: number, { kind }: ProxyFault): Promise<void> {
  for (const deadlineMs = performance.now() + LIMIT_MS; proxy.disturbed === before;) {
    if (performance.now() > deadlineMs) throw new Error(`the proxy's fault ${kind} met nothing`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Whether an append of a screener lands in the ledger from now on, within a time; the ledger's clock is this machine's. */
async function landsWithin(limitMs: number, house: ChaosHouse): Promise<boolean> {
  const sinceMs = Date.now()
  const { environment, options } = house
  const streams = Array.from({ length: options.partitionCount }, (_, partition) => screeningStream(partition, 0, environment))
  return withLedger(house, async (ledger) => {
    for (const deadlineMs = performance.now() + limitMs; performance.now() < deadlineMs;) {
      const createdMs = await Promise.all(streams.map(async (stream) => (await lastEntry(ledger, stream))?.recorded.createdMs ?? 0))
      if (createdMs.some((ms) => ms > sinceMs)) return true
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return false
  })
}
