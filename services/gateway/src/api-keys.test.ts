import { createHash } from 'node:crypto'
import { createApiKey, KeyRing, MAX_API_KEYS, parseApiKeys } from './api-keys'

const SHA256 = 'ab'.repeat(32)
const fileOf = (...keys: readonly unknown[]): string => JSON.stringify({ keys })

test('a key has 256 random bits, and only its SHA-256 is kept', () => {
  const { key, record } = createApiKey('checkout', 'publisher')
  expect(Buffer.from(key.slice('rlk_'.length), 'base64url')).toHaveLength(32)
  expect(record).toEqual({ name: 'checkout', role: 'publisher', sha256: createHash('sha256').update(key).digest('hex') })
  expect(createApiKey('checkout', 'publisher').key).not.toBe(key)
  expect(parseApiKeys(fileOf(record), 'keys.json')).toEqual([record])
})

test('a ring finds whose key a header carries', () => {
  const keys = [createApiKey('one', 'publisher'), createApiKey('two', 'reader')]
  const ring = new KeyRing(keys.map(({ record }) => record))
  for (const { key, record } of keys) {
    expect(ring.find(`Bearer ${key}`)).toEqual(record)
    expect(ring.find(`bearer ${key}`)).toEqual(record)
  }
})

test.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  `Bearer ${SHA256}`,
  `Basic ${createApiKey('x', 'reader').key}`,
  `Bearer ${createApiKey('x', 'reader').key}`,
  `Bearer ${'x'.repeat(513)}`,
  'Bearer a b',
])('%j is nobody', (header) => {
  expect(new KeyRing([createApiKey('one', 'publisher').record]).find(header)).toBeNull()
})

test('a key may have a limit of its own', () => {
  const key = { name: 'a', role: 'publisher', sha256: SHA256, eventsPerSecond: 10 }
  expect(parseApiKeys(fileOf(key), 'keys.json')).toEqual([key])
})

test.each([
  ['no JSON', '{', /^keys.json is not JSON/],
  ['no list', '{"keys":{}}', /no list "keys"/],
  ['null', 'null', /no list "keys"/],
  ['an entry that is no object', fileOf('rlk_x'), /keys\[0\] is no object/],
  ['the key itself', fileOf({ name: 'a', role: 'reader', key: 'rlk_x' }), /member "key"/],
  ['no name', fileOf({ role: 'reader', sha256: SHA256 }), /name is no name/],
  ['a name with spaces', fileOf({ name: 'a b', role: 'reader', sha256: SHA256 }), /name is no name/],
  ['another role', fileOf({ name: 'a', role: 'admin', sha256: SHA256 }), /\("a"\): role is neither/],
  ['a hash in capitals', fileOf({ name: 'a', role: 'reader', sha256: SHA256.toUpperCase() }), /sha256 is no SHA-256/],
  ['a limit of 0', fileOf({ name: 'a', role: 'reader', sha256: SHA256, eventsPerSecond: 0 }), /eventsPerSecond/],
  [
    'two of one name',
    fileOf({ name: 'a', role: 'reader', sha256: SHA256 }, { name: 'a', role: 'reader', sha256: SHA256 }),
    /keys\[1\]: another key/,
  ],
  ['too many', fileOf(...Array.from({ length: MAX_API_KEYS + 1 }, () => 0)), /the limit is 1000/],
])('a file with %s is refused', (_name, text, message) => {
  expect(() => parseApiKeys(text, 'keys.json')).toThrow(
    expect.objectContaining({ code: 'configuration-invalid', message: expect.stringMatching(message) }),
  )
})

test.each(['', 'A', 'a b', '-a', 'x'.repeat(65)])('%j is no name for a new key', (name) => {
  expect(() => createApiKey(name, 'reader')).toThrow(expect.objectContaining({ code: 'configuration-invalid' }))
})
