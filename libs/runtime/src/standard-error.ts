import { writeSync } from 'node:fs'

const STANDARD_ERROR = 2
const NEWLINE = 10

/** A reader that is only slow is waited for so often and so long for a line: 100 ms. */
const MAX_WAITS = 20
const WAIT_MS = 5

/**
 * Writes whole lines to standard error, synchronously, and throws what the system says where it takes none. A pipe whose reader is behind is waited for, for 100 ms;
 * not again before it takes a line. What was written of a line before it failed ends where the next one begins.
 */
export function openStandardError(): (line: string) => void {
  let isCut = false
  let mostWaits = MAX_WAITS
  return (line) => {
    const bytes = Buffer.from(isCut ? `\n${line}` : line)
    let written = 0
    try {
      for (let waits = 0; written < bytes.length;) {
        try {
          written += writeSync(STANDARD_ERROR, bytes, written)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || waits++ >= mostWaits) throw error
          pause(WAIT_MS)
        }
      }
      mostWaits = MAX_WAITS
    } catch (error) {
      mostWaits = 0
      throw error
    } finally {
      if (written > 0) isCut = bytes[written - 1] !== NEWLINE
    }
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
