import { grouped } from './numbers'

/** Only what lasts longer gets a bar. */
const QUIET_MS = 2_000
const REDRAW_MS = 100
const WIDTH = 28

/** A bar on standard error while something lasts; on a terminal only, and only after two seconds. */
export class ProgressBar {
  private readonly startedMs = Date.now()
  private drawnMs = 0
  private drawn = false

  constructor(
    private readonly unit: string,
    private readonly shown: boolean = process.stderr.isTTY === true,
  ) {}

  /** `done` of `total`; a total of 0 is not known yet. */
  update(done: number, total: number): void {
    const nowMs = Date.now()
    if (!this.shown || nowMs - this.startedMs < QUIET_MS || nowMs - this.drawnMs < REDRAW_MS) return
    this.drawnMs = nowMs
    this.drawn = true
    const share = total === 0 ? 0 : Math.min(1, done / total)
    const full = Math.round(share * WIDTH)
    const rate = done / ((nowMs - this.startedMs) / 1000)
    const of = total === 0 ? '' : ` of ${grouped(total)}`
    process.stderr.write(
      `\r${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}  ${grouped(done)}${of}   ${grouped(rate)} ${this.unit}/s \u001b[K`,
    )
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.drawn) process.stderr.write('\r\u001b[K')
    this.drawn = false
  }
}
