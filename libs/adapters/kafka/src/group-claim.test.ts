import { decodeGroupClaim, encodeGroupClaim } from './group-claim'

test('a claim is read back', () => {
  const claim = { partitionCount: 12, owned: [0, 5, 11], generation: 3 }
  expect(decodeGroupClaim(encodeGroupClaim(claim))).toEqual(claim)
  const none = { partitionCount: 1, owned: [], generation: -1 }
  expect(decodeGroupClaim(encodeGroupClaim(none))).toEqual(none)
})

test('bytes that are no claim are none', () => {
  const claim = encodeGroupClaim({ partitionCount: 12, owned: [0], generation: 3 })
  const later = Buffer.from(claim)
  later[1] = 2
  const endless = Buffer.from(claim)
  endless.writeInt32BE(2 ** 30, 10)
  for (const bytes of [Buffer.alloc(0), Buffer.from('{}'), later, endless, claim.subarray(0, 15)])
    expect(decodeGroupClaim(bytes)).toBeNull()
})
