import { grouped } from './numbers'

/** Only what lasts longer gets a bar. */
const QUIET_MS = 2_000
const REDRAW_MS = 100
const WIDTH = 28

/** Where a bar is drawn, and by what clock. */
export interface ProgressBarOptions {
  /** Default: standard error. */
  readonly stream?: { readonly isTTY?: boolean; write(text: string): unknown }
  /** Epoch milliseconds. Default: the wall clock. */
  readonly nowMs?: () => number
}

/** A bar on standard error, or another stream, while something lasts; on a terminal only, and only after two seconds. */
export class ProgressBar {
  private readonly stream: NonNullable<ProgressBarOptions['stream']>
  private readonly nowMs: () => number
  private readonly startedMs: number
  private drawnMs = 0
  private drawn = false

  /** `unit` is what is counted: `inputs`. */
  constructor(
    private readonly unit: string,
    { stream = process.stderr, nowMs = Date.now }: ProgressBarOptions = {},
  ) {
    this.stream = stream
    this.nowMs = nowMs
    this.startedMs = nowMs()
  }

  /** `done` of `total`; a total of 0 is not known yet. */
  update(done: number, total: number): void {
    if (this.stream.isTTY !== true) return
    const nowMs = this.nowMs()
    if (nowMs - this.startedMs < QUIET_MS || nowMs - this.drawnMs < REDRAW_MS) return
    this.drawnMs = nowMs
    this.drawn = true
    const share = total === 0 ? 0 : Math.min(1, done / total)
    const full = Math.round(share * WIDTH)
    const rate = done / ((nowMs - this.startedMs) / 1000)
    const of = total === 0 ? '' : ` of ${grouped(total)}`
    this.stream.write(`\r${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}  ${grouped(done)}${of}   ${grouped(rate)} ${this.unit}/s \u001b[K`)
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.drawn) this.stream.write('\r\u001b[K')
    this.drawn = false
  }
}
