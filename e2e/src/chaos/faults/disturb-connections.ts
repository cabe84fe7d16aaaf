import type { FaultProxy, ProxyFault } from '@riskledger/testing'
import type { ChaosHouse } from '../chaos-house'
import type { SeededChoice } from '../seeded-choice'

/** Records that pass under a fault of the connections, at least and at most. */
const LASTING = [150, 600] as const

/**
 * Lets a proxy delay, swallow replies, cut messages in the middle and refuse, each once, in a drawn order and for a drawn amount of work. Throws where a
 * fault met nothing. Ends with a proxy that passes everything on.
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
    proxy.set(fault)
    try {
      // Through the gateway nothing may come now: what goes to the cluster past the proxy counts.
      await passToKafka(house, choice.whole(...LASTING))
      await untilBitten(proxy, before, fault)
    } finally {
      proxy.set({ kind: 'forward' })
      // What waits for a reply that was swallowed learns that it will not come.
      if (fault.kind === 'drop-replies') proxy.endAll()
    }
    await house.startWhatIsDown()
  }
  await house.pass(300)
}

async function passToKafka({ toKafka }: ChaosHouse, records: number): Promise<void> {
  for (const until = toKafka.acknowledged + records; toKafka.acknowledged < until;) {
    toKafka.assertWell()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function untilBitten(proxy: FaultProxy, before: number, { kind }: ProxyFault): Promise<void> {
  for (const deadlineMs = performance.now() + 20_000; proxy.disturbed === before;) {
    if (performance.now() > deadlineMs) throw new Error(`the proxy's fault ${kind} met nothing`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
