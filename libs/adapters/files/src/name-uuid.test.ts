import { UUID_NAMESPACES, uuidV5 } from '@riskledger/events'
import fc from 'fast-check'
import { createNameUuid } from './name-uuid'

test('the fast name UUID equals the plain one, for names of any length and script', () => {
  const fast = createNameUuid(UUID_NAMESPACES.importedEvent)
  const plain = (name: string): string => uuidV5(UUID_NAMESPACES.importedEvent, Buffer.from(name))
  for (let length = 0; length < 120; length++) expect(fast('x'.repeat(length))).toBe(plain('x'.repeat(length)))
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 130 }), fc.string({ unit: 'binary', maxLength: 30 })), (name) =>
      expect(fast(name)).toBe(plain(name)),
    ),
  )
})
