import type { EventTopic } from '@riskledger/contracts'
import type { RawInputs, RawViews } from '../generated/raw-registry'
import { encodeRaw, EventViews } from '../raw-events'

/** A view of its own of an event, as the step would read it. */
export function viewOf<Topic extends EventTopic>(topic: Topic, event: RawInputs[Topic]): RawViews[Topic] {
  const view = new EventViews().read(topic, encodeRaw(topic, event).slice())
  if (view === null) throw new Error(`no valid event of ${topic}`)
  return view
}
