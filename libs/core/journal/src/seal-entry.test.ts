import { randomBytes } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import type { RecordedEntry } from '@riskledger/contracts'
import fc from 'fast-check'
import { contentTypeOf, openEntry, type OpenResult } from './open-entry'
import { decisionId, emptyHead, sealEntry, ZERO_HASH, type ChainHead, type SealedEntry, type UnsealedEntry } from './seal-entry'

const STREAM = 'screening-000.0000'
const ENGINE = 'e'.repeat(64)

function recorded(sealed: SealedEntry): RecordedEntry {
  const { data, metadata, ...rest } = sealed.proposed
  return {
    ...rest,
    data: Uint8Array.from(data),
    metadata: Uint8Array.from(metadata),
    stream: sealed.head.stream,
    revision: sealed.head.revision,
    createdMs: 0,
  }
}

function entry(text: string, options: { readonly deflated?: boolean; readonly firstSequence?: number } = {}): UnsealedEntry {
  const data = Buffer.from(text)
  const { firstSequence } = options
  return {
    type: 'TenureBegan',
    contentType: 'json',
    data,
    ...(options.deflated === true ? { deflated: deflateRawSync(data, { level: 1 }) } : {}),
    metadata: {
      engineHash: ENGINE,
      policyHash: ZERO_HASH,
      ...(firstSequence === undefined ? {} : { firstSequence, lastSequence: firstSequence + 9 }),
    },
  }
}

function reasonOf(result: OpenResult): string {
  return result.kind === 'faulty' ? result.reason : 'whole'
}

describe('known answers: these bytes are in ledgers, they never change', () => {
  const first = sealEntry(emptyHead(STREAM), entry('{"workerId":"w-1"}'))
  const second = sealEntry(first.head, entry('{"workerId":"w-2"}', { deflated: true, firstSequence: 11 }))

  test('entry hash, entry id and metadata', () => {
    expect(first.head).toEqual({
      stream: STREAM,
      revision: 0,
      entryHash: '1a3d72c63ee9e99b6f8231a3d1b3636c68ba535715204ac5768a2938c2a706e8',
    })
    expect(first.proposed.id).toBe('57f3d6bf-b4f7-52fa-89e1-07594c0b735e')
    expect(Buffer.from(first.proposed.metadata).toString()).toBe(
      `{"engineHash":"${ENGINE}","policyHash":"${ZERO_HASH}","previousEntryHash":"${ZERO_HASH}","entryHash":"1a3d72c63ee9e99b6f8231a3d1b3636c68ba535715204ac5768a2938c2a706e8"}`,
    )
    expect(second.head).toEqual({
      stream: STREAM,
      revision: 1,
      entryHash: 'e7d8a5cc9a413f3463650e0cb226a4176f61df4151a6533825be1f39538f6c5b',
    })
    expect(second.proposed.id).toBe('22f43532-46b0-55ef-b823-6ebe56687d73')
    expect(Buffer.from(second.proposed.metadata).toString()).toBe(
      `{"encoding":"deflate-raw","engineHash":"${ENGINE}","policyHash":"${ZERO_HASH}","firstSequence":11,"lastSequence":20,` +
        `"previousEntryHash":"1a3d72c63ee9e99b6f8231a3d1b3636c68ba535715204ac5768a2938c2a706e8","entryHash":"e7d8a5cc9a413f3463650e0cb226a4176f61df4151a6533825be1f39538f6c5b"}`,
    )
  })

  test('decision ids', () => {
    expect(decisionId(first.proposed.id, 0)).toBe('1ee5f0c8-efa6-57f2-a79f-74bb3d7bfe7f')
    expect(decisionId(first.proposed.id, 1)).toBe('d301db09-0f0c-555e-9a4f-b6c34e60db3a')
  })
})

describe('a sealed entry', () => {
  const arbitraryEntry = fc.record({
    data: fc.uint8Array({ maxLength: 400 }),
    deflated: fc.boolean(),
    firstSequence: fc.option(fc.nat(), { nil: undefined }),
    type: fc.constantFrom('InputsScreened', 'DecisionMade', 'PolicyActivated'),
  })

  test('opens whole, with its plain data, deflated or not, entry after entry', () => {
    fc.assert(
      fc.property(fc.array(arbitraryEntry, { minLength: 1, maxLength: 5 }), (entries) => {
        let head: ChainHead = emptyHead(STREAM)
        for (const { data, deflated, firstSequence, type } of entries) {
          const metadata = { engineHash: ENGINE, policyHash: ZERO_HASH, ...(firstSequence === undefined ? {} : { firstSequence }) }
          const sealed = sealEntry(head, {
            type,
            contentType: contentTypeOf(type),
            data,
            ...(deflated ? { deflated: deflateRawSync(data) } : {}),
            metadata,
          })
          const opened = openEntry(head, recorded(sealed))
          expect(reasonOf(opened)).toBe('whole')
          if (opened.kind === 'whole') {
            expect([...opened.entry.data]).toEqual([...data])
            expect(opened.entry.head).toEqual(sealed.head)
            expect(opened.entry.metadata.firstSequence).toBe(firstSequence)
          }
          head = sealed.head
        }
      }),
    )
  })

  test('has another id for another place, another predecessor or another content', () => {
    const at = (head: ChainHead, text: string): string => sealEntry(head, entry(text)).proposed.id
    const head = emptyHead(STREAM)
    const ids = [
      at(head, 'a'),
      at(head, 'b'),
      at({ ...head, revision: 0 }, 'a'),
      at({ ...head, stream: 'screening-001.0000' }, 'a'),
      at({ ...head, entryHash: 'f'.repeat(64) }, 'a'),
    ]
    expect(new Set(ids).size).toBe(ids.length)
    expect(at(head, 'a')).toBe(ids[0])
  })

  test('has the same hash whatever the deflated bytes are', () => {
    const data = Buffer.from('x'.repeat(1_000))
    const sealed = [1, 9].map((level) => sealEntry(emptyHead(STREAM), { ...entry(''), data, deflated: deflateRawSync(data, { level }) }))
    expect(sealed[0].head).toEqual(sealed[1].head)
    expect(sealed[0].proposed.id).toBe(sealed[1].proposed.id)
  })
})

describe('every change of one byte is found', () => {
  const previous: ChainHead = { stream: STREAM, revision: 6, entryHash: 'a'.repeat(64) }

  test.each([
    ['plain', false],
    ['deflated', true],
  ])('%s', (_name, deflated) => {
    const sealed = sealEntry(previous, entry('{"workerId":"worker-1","generation":2,"engineHash":"00"}', { deflated, firstSequence: 100 }))
    const plain = Buffer.from('{"workerId":"worker-1","generation":2,"engineHash":"00"}')
    let found = 0
    for (const part of ['data', 'metadata'] as const) {
      const { length } = sealed.proposed[part]
      for (let at = 0; at < length; at++) {
        for (const by of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
          const damaged = recorded(sealed)
          damaged[part][at] ^= by
          const opened = openEntry(previous, damaged)
          // Bits after the end of a deflate stream stand for nothing: with them changed the entry still says the same.
          if (opened.kind === 'whole') {
            expect({ part, at, deflated }).toEqual({ part: 'data', at: length - 1, deflated: true })
            expect(Buffer.from(opened.entry.data).equals(plain)).toBe(true)
          } else found++
        }
      }
    }
    expect(found).toBeGreaterThan(2_000)
  })

  test('in the id, the type, the revision, the link', () => {
    const sealed = sealEntry(previous, entry('{}'))
    const whole = recorded(sealed)
    for (let at = 0; at < whole.id.length; at++) {
      const id = `${whole.id.slice(0, at)}${whole.id[at] === '0' ? '1' : '0'}${whole.id.slice(at + 1)}`
      expect(reasonOf(openEntry(previous, { ...whole, id }))).toMatch(/its id .* does not derive/)
    }
    expect(reasonOf(openEntry(previous, { ...whole, type: 'TenureBegun' }))).toMatch(/altered/)
    expect(reasonOf(openEntry(previous, { ...whole, revision: 9 }))).toBe('revision 9 follows 6: 2 entries are missing')
    expect(reasonOf(openEntry({ ...previous, entryHash: 'b'.repeat(64) }, whole))).toMatch(
      /names aaaa… as the entry before it, which is bbbb…/,
    )
  })

  test('metadata that says more, or the same in other words, is refused', () => {
    const whole = recorded(sealEntry(previous, entry('{}')))
    const text = Buffer.from(whole.metadata).toString()
    for (const other of [`${text} `, text.replace('{', '{"note":1,'), text.replace('":', '": '), `[${text}]`, 'null', '', '{}']) {
      expect(openEntry(previous, { ...whole, metadata: Buffer.from(other) }).kind).toBe('faulty')
    }
  })

  test('bytes behind the end of the deflated data, which no hash covers, are refused; so is another content type', () => {
    for (const length of [2, 5_000, 300_000]) {
      const whole = recorded(sealEntry(previous, entry(randomBytes(length / 2).toString('hex'), { deflated: true })))
      expect(openEntry(previous, whole).kind).toBe('whole')
      for (const more of [Buffer.of(0), Buffer.from('more'), Buffer.alloc(70_000)]) {
        expect(openEntry(previous, { ...whole, data: Buffer.concat([whole.data, more]) }).kind).toBe('faulty')
      }
    }
    const json = recorded(sealEntry(previous, entry('{}')))
    expect(reasonOf(openEntry(previous, { ...json, contentType: 'binary' }))).toBe(
      'its content type is binary; a TenureBegan is written as json',
    )
  })

  test('data that inflates to more than an entry can hold is refused, not inflated', () => {
    const data = Buffer.alloc(17 * 1024 * 1024)
    const sealed = sealEntry(previous, { ...entry(''), data, deflated: deflateRawSync(data) })
    expect(reasonOf(openEntry(previous, recorded(sealed)))).toBe('its data cannot be inflated')
  })
})
