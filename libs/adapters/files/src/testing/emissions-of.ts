import { NO_KEY, RAW_TOPICS } from '@riskledger/contracts'
import type { Emission } from '../emission'
import type { EmissionBlock } from '../emission-block'

/** The block's emissions one by one, their bytes copied. */
export function emissionsOf(block: EmissionBlock): Emission[] {
  return Array.from({ length: block.count }, (_, i) => {
    const start = i === 0 ? 0 : block.ends[i - 1]
    const keyed = block.keyEnds[i] !== NO_KEY
    return {
      topic: RAW_TOPICS[block.topics[i]],
      eventTimeMs: block.eventTimesMs[i],
      accountId: keyed ? Buffer.from(block.bytes.subarray(start, block.keyEnds[i])).toString() : null,
      value: block.bytes.slice(keyed ? block.keyEnds[i] : start, block.ends[i]),
      rejection: block.rejections.get(i) ?? null,
    }
  })
}
