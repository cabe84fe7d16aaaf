import type { Outgoing } from './delivery'

/** The events at the head of a batch that are of one topic: what a transport may send at once without one overtaking another. */
export function firstRun(batch: readonly Outgoing[]): readonly Outgoing[] {
  const end = batch.findIndex(({ topic }) => topic !== batch[0].topic)
  return end < 0 ? batch : batch.slice(0, end)
}
