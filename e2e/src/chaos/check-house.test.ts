import { proofFaults } from './check-house'

const PROOF = {
  inputs: 3,
  replayed: { inputs: 3, mismatches: 0 },
  verified: { inputs: 3, faults: [] },
  facts: { compared: 1, informedTakeOvers: 1, faults: [] },
}

test('commands that met every input prove it', () => {
  expect(proofFaults(PROOF)).toEqual([])
  expect(proofFaults({ ...PROOF, facts: { compared: 0, informedTakeOvers: 0, faults: [] } })).toEqual([])
})

test.each([
  ['a replay of nothing', { replayed: { inputs: 0, mismatches: 0 } }],
  ['a replay with a mismatch', { replayed: { inputs: 3, mismatches: 1 } }],
  ['a verification of nothing', { verified: { inputs: 0, faults: [] } }],
  ['a verification with a fault', { verified: { inputs: 3, faults: ['a fault'] } }],
  ['an older fact', { facts: { compared: 1, informedTakeOvers: 1, faults: ['older'] } }],
  ['take-overs behind which no fact was compared', { facts: { compared: 0, informedTakeOvers: 1, faults: [] } }],
])('%s proves nothing', (_name, part) => {
  expect(proofFaults({ ...PROOF, ...part })).toHaveLength(1)
})
