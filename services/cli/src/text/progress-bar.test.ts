import { ProgressBar } from './progress-bar'

const CLEARED = '\r\u001b[K'
const START_MS = 1_776_124_800_000

let drawn: string[]
let nowMs: number
beforeEach(() => {
  drawn = []
  nowMs = START_MS
})

function barOn({ isTTY }: { readonly isTTY?: boolean } = { isTTY: true }): ProgressBar {
  const write = (text: string): number => drawn.push(text)
  return new ProgressBar('inputs', { stream: isTTY === undefined ? { write } : { isTTY, write }, nowMs: () => nowMs })
}

function updateAfter(bar: ProgressBar, elapsedMs: number, [done, total]: readonly [number, number] = [1, 4]): void {
  nowMs = START_MS + elapsedMs
  bar.update(done, total)
}

test('draws after two seconds, not before', () => {
  const bar = barOn()
  updateAfter(bar, 0)
  updateAfter(bar, 1_999)
  expect(drawn).toEqual([])
  updateAfter(bar, 2_000, [1_000, 4_000])
  expect(drawn).toEqual([`\r${'█'.repeat(7)}${'░'.repeat(21)}  1,000 of 4,000   500 inputs/s \u001b[K`])
})

test.each([{ isTTY: false }, {}])('draws nothing where there is no terminal (%j), and has nothing to clear', (stream) => {
  const bar = barOn(stream)
  updateAfter(bar, 60_000)
  bar.clear()
  expect(drawn).toEqual([])
})

test('is drawn anew ten times a second at most', () => {
  const bar = barOn()
  for (const elapsedMs of [2_000, 2_050, 2_099]) updateAfter(bar, elapsedMs)
  expect(drawn).toHaveLength(1)
  updateAfter(bar, 2_100, [2, 4])
  expect(drawn).toHaveLength(2)
})

test('without a known total it tells what is done alone; done more than that, it is full and no longer', () => {
  updateAfter(barOn(), 2_000, [10, 0])
  updateAfter(barOn(), 4_000, [9, 4])
  expect(drawn.map((text) => text.split('  ')[0])).toEqual([`\r${'░'.repeat(28)}`, `\r${'█'.repeat(28)}`])
  expect(drawn[0]).toContain('  10   5 inputs/s ')
})

test('is cleared once, and only where it was drawn', () => {
  const bar = barOn()
  bar.clear()
  expect(drawn).toEqual([])
  updateAfter(bar, 2_000)
  bar.clear()
  bar.clear()
  expect(drawn.slice(1)).toEqual([CLEARED])
})
