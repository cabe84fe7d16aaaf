import { createCipheriv, createHmac } from 'node:crypto'
import type { ChallengeDraw } from '@riskledger/screening'

/** Sequences that share one key; a draw is 32 bits. */
const DRAWS_PER_BLOCK = 4_096
const ZEROS = Buffer.alloc(DRAWS_PER_BLOCK * 4)
const NO_NONCE = Buffer.alloc(16)

/**
 * Draws random challenges from ChaCha20 under HMAC-SHA-256(policy secret, partition and block of sequences): nobody without the secret can tell
 * beforehand which input is drawn, and whoever gets it later can check every draw. An HMAC for each input would cost more than its screening.
 * The proof is the draw's 4 bytes.
 */
export function challengeDraw(secret: string, partition: number): ChallengeDraw {
  let block = -1
  let draws = ZEROS
  return (sequence, ratePpm) => {
    const wanted = Math.floor(sequence / DRAWS_PER_BLOCK)
    if (wanted !== block) {
      block = wanted
      const key = createHmac('sha256', secret).update(`${partition}|${block}`).digest()
      draws = createCipheriv('chacha20', key, NO_NONCE).update(ZEROS)
    }
    const at = (sequence % DRAWS_PER_BLOCK) * 4
    return draws.readUInt32BE(at) * 1_000_000 < ratePpm * 2 ** 32 ? Uint8Array.prototype.slice.call(draws, at, at + 4) : null
  }
}
