/**
 * Says on stderr what is wrong with a bench's figures, a line each, and has the process end with 1. The figures are printed all the same: nothing is thrown.
 * `faults` names each fault and whether it is there.
 */
export function failAfterPrinting(bench: string, faults: Readonly<Record<string, boolean>>): void {
  for (const [fault, isThere] of Object.entries(faults)) {
    if (!isThere) continue
    process.stderr.write(`${bench}: ${fault}\n`)
    process.exitCode = 1
  }
}
