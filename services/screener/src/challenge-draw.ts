import { createHash, createHmac } from 'node:crypto'
import { RiskError } from '@riskledger/contracts'
import type { ChallengeDraw } from '@riskledger/screening'

/** Draws of 32 bits in one HMAC-SHA-512. */
const DRAWS_PER_BLOCK = 16

/**
 * Draws random challenges with HMAC-SHA-512 under the policy's secret: nobody without it can tell beforehand which input is drawn, and whoever gets
 * it later can check every draw. One HMAC of (partition, block) serves 16 sequences, 32 bits each. The proof is those 4 bytes.
 */
export function challengeDraw(secret: string, partition: number): ChallengeDraw {
  let block = -1
  let bytes: Buffer = Buffer.alloc(0)
  return (sequence, _accountId, ratePpm) => {
    const wanted = Math.floor(sequence / DRAWS_PER_BLOCK)
    if (wanted !== block) {
      block = wanted
      bytes = createHmac('sha512', secret).update(`${partition}|${block}`).digest()
    }
    const at = (sequence % DRAWS_PER_BLOCK) * 4
    return bytes.readUInt32BE(at) * 1_000_000 < ratePpm * 2 ** 32 ? Uint8Array.prototype.slice.call(bytes, at, at + 4) : null
  }
}

/** Refuses a secret that is not the one to which the policy is committed. */
export function assertChallengeSecret(secret: string, secretHash: string): void {
  if (createHash('sha256').update(secret).digest('hex') === secretHash) return
  throw new RiskError(
    'configuration-invalid',
    `the challenge secret is not the one that the policy is committed to (its SHA-256 must be ${secretHash}). Set RISKLEDGER_CHALLENGE_SECRET, or set randomChallenge.ratePpm to 0 in the policy.`,
    { retriable: false },
  )
}
