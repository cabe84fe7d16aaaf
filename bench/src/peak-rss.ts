/** The most memory that a process had, of the line `PEAK <KiB>` that it wrote when it ended, in MiB. Throws where there is none: 0 would be a figure, too. */
export function peakRssMiBIn(output: string): number {
  const peak = /^PEAK (\d+)$/m.exec(output)
  if (peak === null) throw new Error(`the process did not tell its peak memory as "PEAK <KiB>" when it ended; it said: ${output}`)
  return Math.round(Number(peak[1]) / 1024)
}
