import { challengeDraw } from './challenge-draw'

function drawn(draw: ReturnType<typeof challengeDraw>, ratePpm: number, sequences: number): number[] {
  const hits: number[] = []
  for (let sequence = 1; sequence <= sequences; sequence++) if (draw(sequence, ratePpm) !== null) hits.push(sequence)
  return hits
}

test('draws at the rate, within what chance allows', () => {
  for (const ratePpm of [500, 20_000, 500_000]) {
    const expected = (200_000 * ratePpm) / 1_000_000
    const hits = drawn(challengeDraw('secret', 0), ratePpm, 200_000).length
    expect(Math.abs(hits - expected)).toBeLessThan(5 * Math.sqrt(expected))
  }
})

test('never at rate 0, always at a million', () => {
  expect(drawn(challengeDraw('secret', 0), 0, 10_000)).toHaveLength(0)
  expect(drawn(challengeDraw('secret', 0), 1_000_000, 10_000)).toHaveLength(10_000)
})

test('is the same for the same secret, partition and sequence, in whatever order it is asked, and another for another', () => {
  const whole = drawn(challengeDraw('secret', 3), 10_000, 20_000)
  const draw = challengeDraw('secret', 3)
  const backwards: number[] = []
  for (let sequence = 20_000; sequence >= 1; sequence--) if (draw(sequence, 10_000) !== null) backwards.unshift(sequence)
  expect(backwards).toEqual(whole)
  expect(drawn(challengeDraw('secret', 4), 10_000, 20_000)).not.toEqual(whole)
  expect(drawn(challengeDraw('other', 3), 10_000, 20_000)).not.toEqual(whole)
})

test('the proof is the draw itself, four bytes below the rate, and stays as it is', () => {
  const draw = challengeDraw('secret', 0)
  const proofs = drawn(draw, 100_000, 5_000).map((sequence) => ({ sequence, proof: draw(sequence, 100_000)! }))
  drawn(draw, 100_000, 9_000)
  for (const { sequence, proof } of proofs) {
    expect(proof).toHaveLength(4)
    expect(Buffer.from(proof).readUInt32BE() / 2 ** 32).toBeLessThan(0.1)
    expect(Buffer.from(challengeDraw('secret', 0)(sequence, 100_000)!)).toEqual(Buffer.from(proof))
  }
})
