import { singleObjectHeader } from './schema-fingerprint'

/** From Avro's own list of schemas and fingerprints (share/test/data/schema-tests.txt). */
test.each([
  ['"null"', 7195948357588979594n],
  ['"int"', 8247732601305521295n],
])('the header of %s ends with its fingerprint', (canonicalForm, fingerprint) => {
  const header = Buffer.from(singleObjectHeader(canonicalForm))
  expect([...header.subarray(0, 2)]).toEqual([0xc3, 0x01])
  expect(header.readBigInt64LE(2)).toBe(fingerprint)
  expect(header).toHaveLength(10)
})
