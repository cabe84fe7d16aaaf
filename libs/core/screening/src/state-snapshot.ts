import { MOST_STATE_BYTES } from '@riskledger/contracts'
import type { AcceptedPolicy } from '@riskledger/policy'
import { ByteMeter, ByteReader, ByteWriter } from '@riskledger/windows'
import { STATUSES, VERDICTS } from '@riskledger/journal'
import { ScreeningStep, type PartitionIdentity } from './screening-step'
import type { TenureBegan } from './journal-fold'

/** Changes with the bytes below: a snapshot of another format is discarded. */
const SNAPSHOT_FORMAT = 9

/** A step with what stands around it at one entry of its journal. */
export interface WorkerState {
  readonly step: ScreeningStep
  readonly nextOffsets: readonly number[]
  readonly tenure: TenureBegan | null
}

/** Writes the whole state, mostly by copying memory; the layout depends on history, `stateHash` does not. */
export function writeState(state: WorkerState, writer: ByteWriter): void {
  const { step } = state
  writer.varint(SNAPSHOT_FORMAT)
  writer.string(
    JSON.stringify({
      partition: step.identity.partition,
      partitionCount: step.identity.partitionCount,
      topics: step.identity.topics,
      dedupeKey: Buffer.from(step.identity.dedupeKey).toString('hex'),
      policyHash: step.policyHash,
      nextOffsets: state.nextOffsets,
      tenure: state.tenure,
    }),
  )
  for (const value of [step.nextSequence, step.streamTimeMs, step.tickMs, step.dedupeUncheckedCount]) writer.f64(value)
  for (const status of STATUSES) writer.f64(step.statusCounts[status])
  for (const verdict of VERDICTS) writer.f64(step.verdictCounts[verdict])
  step.memory.write(writer)
  step.facts.write(writer)
  step.profiles.writeSnapshot(writer)
}

/** Bytes that `writeState` writes, or a few more; almost nothing is copied. */
export function measureState(state: WorkerState): number {
  const meter = new ByteMeter()
  writeState(state, meter)
  return meter.lengthBytes
}

/**
 * Reads back what `writeState` wrote; null where the bytes are of another format.
 * `policyOf` gives the policy with a hash; it has been loaded before.
 */
export function readState(bytes: Uint8Array, policyOf: (hash: string) => AcceptedPolicy): WorkerState | null {
  const reader = new ByteReader(bytes)
  if (reader.varint() !== SNAPSHOT_FORMAT) return null
  const header = JSON.parse(reader.string()) as {
    partition: number
    partitionCount: number
    topics: PartitionIdentity['topics']
    dedupeKey: string
    policyHash: string
    nextOffsets: number[]
    tenure: TenureBegan | null
  }
  const { partition, partitionCount, topics } = header
  const step = new ScreeningStep({ partition, partitionCount, topics, dedupeKey: Buffer.from(header.dedupeKey, 'hex') })
  step.activate(policyOf(header.policyHash))
  step.nextSequence = reader.f64()
  step.streamTimeMs = reader.f64()
  step.tickMs = reader.f64()
  step.dedupeUncheckedCount = reader.f64()
  for (const status of STATUSES) step.statusCounts[status] = reader.f64()
  for (const verdict of VERDICTS) step.verdictCounts[verdict] = reader.f64()
  step.memory.read(reader)
  step.facts.read(reader)
  step.profiles.readSnapshot(reader)
  return { step, nextOffsets: header.nextOffsets, tenure: header.tenure }
}

/**
 * `stateHash` of a copy: in the state itself no label becomes known by it. Null where the copy would be larger than `MOST_STATE_BYTES`.
 * `policyOf` as in `readState`.
 */
export function hashOfCopy(state: WorkerState, policyOf: (hash: string) => AcceptedPolicy): string | null {
  const bytes = measureState(state)
  if (bytes > MOST_STATE_BYTES) return null
  const writer = new ByteWriter(bytes)
  writeState(state, writer)
  return readState(writer.written(), policyOf)!.step.stateHash()
}

/** The hash of the policy that a snapshot was taken under, so that it can be loaded first; null where the format is another. */
export function policyHashOfState(bytes: Uint8Array): string | null {
  const reader = new ByteReader(bytes)
  if (reader.varint() !== SNAPSHOT_FORMAT) return null
  return (JSON.parse(reader.string()) as { policyHash: string }).policyHash
}
