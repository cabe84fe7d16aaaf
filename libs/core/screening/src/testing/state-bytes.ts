import { ByteWriter } from '@riskledger/windows'
import { writeState, type WorkerState } from '../state-snapshot'

/** The bytes that `writeState` writes. */
export function stateBytes(state: WorkerState): Uint8Array {
  const writer = new ByteWriter()
  writeState(state, writer)
  return writer.finish()
}
