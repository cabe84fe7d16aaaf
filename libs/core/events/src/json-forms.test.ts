import { createHash } from 'node:crypto'
import { RiskError } from '@riskledger/contracts'
import {
  EVENT_TOPICS,
  UUID_NAMESPACES,
  canonicalJson,
  canonicalText,
  decodeLedgerAvro,
  decodeRaw,
  encodeLedgerAvro,
  encodeLedgerJson,
  encodeRaw,
  formatNdjsonLine,
  fromHex,
  parseNdjsonLine,
  readOrigin,
  readUnparsable,
  sha256,
  toHex,
  uuidBytes,
  uuidV5,
  uuidV7,
  validateLedgerJson,
  validateRaw,
  type DecisionMadeInput,
  type InputsScreened,
  type Problem,
} from './index'
import { FULL_EVENTS, MINIMAL_EVENTS } from './testing/sample-events'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const PAYMENT = MINIMAL_EVENTS.payments

function problemsOf(changes: object): readonly Pick<Problem, 'field' | 'code'>[] {
  const checked = validateRaw('payments', { ...PAYMENT, ...changes })
  return checked.kind === 'accepted' ? [] : checked.problems.map(({ field, code }) => ({ field, code }))
}

describe('an event in JSON', () => {
  it('is accepted in one shape: every field, absent optionals null', () => {
    for (const topic of EVENT_TOPICS) {
      const checked = validateRaw(topic, JSON.parse(JSON.stringify(MINIMAL_EVENTS[topic])))
      expect(checked).toMatchObject({ kind: 'accepted', event: { ...MINIMAL_EVENTS[topic], sourceSequence: null, traceId: null } })
    }
  })

  it('says what is wrong, where, and what to do', () => {
    const checked = validateRaw('payments', { ...PAYMENT, amountMinor: -500 })
    expect(checked).toEqual({
      kind: 'rejected',
      problems: [
        {
          field: 'amountMinor',
          code: 'out-of-range',
          message: "amountMinor is -500; a payment's amount is 0 or more, with the direction in `direction`",
        },
      ],
    })
  })

  it.each([
    [{ amountMinor: 2 ** 53 }, 'amountMinor', 'out-of-range'],
    [{ amountMinor: 1.5 }, 'amountMinor', 'wrong-type'],
    [{ amountMinor: '5' }, 'amountMinor', 'wrong-type'],
    [{ amountMinor: undefined }, 'amountMinor', 'missing'],
    [{ amountMinor: Number.NaN }, 'amountMinor', 'wrong-type'],
    [{ kind: 'theft' }, 'kind', 'unknown-symbol'],
    [{ accountId: '' }, 'accountId', 'empty'],
    [{ accountId: 'a\u0000b' }, 'accountId', 'hostile-text'],
    [{ accountId: 'a\u202eb' }, 'accountId', 'hostile-text'],
    [{ accountId: '\ud800' }, 'accountId', 'hostile-text'],
    [{ accountId: 'x'.repeat(129) }, 'accountId', 'hostile-text'],
    [{ accountId: 'é'.repeat(65) }, 'accountId', 'hostile-text'],
    [{ productCategory: 'x'.repeat(129) }, 'productCategory', 'too-long'],
    [{ productCategory: 'half \udc00' }, 'productCategory', 'invalid-text'],
    [{ currency: 'usd' }, 'currency', 'invalid-format'],
    [{ eventId: 'no' }, 'eventId', 'invalid-uuid'],
    [{ eventId: '00000000-0000-0000-0000-000000000000' }, 'eventId', 'empty'],
    [{ amount: 5 }, 'amount', 'unknown-field'],
  ])('%j is refused', (changes, field, code) => {
    expect(problemsOf(changes)).toEqual([{ field, code }])
    if (code !== 'unknown-field') expect(() => encodeRaw('payments', { ...PAYMENT, ...changes } as typeof PAYMENT)).toThrow(RiskError)
  })

  it('takes a UUID in capitals and writes it small', () => {
    expect(validateRaw('payments', { ...PAYMENT, eventId: PAYMENT.eventId.toUpperCase() })).toMatchObject({
      event: { eventId: PAYMENT.eventId },
    })
  })

  it('names a map that would reach an object’s prototype', () => {
    const event = JSON.parse(`{"__proto__":{"x":1}}`) as Readonly<Record<string, number>>
    expect(validateRaw('account-profiles', { ...MINIMAL_EVENTS['account-profiles'], ratingInputs: event })).toMatchObject({
      kind: 'rejected',
    })
  })
})

describe('a line of NDJSON', () => {
  it.each(EVENT_TOPICS)('of %s is read as it was printed', (topic) => {
    for (const event of [MINIMAL_EVENTS[topic], FULL_EVENTS[topic]]) {
      const line = formatNdjsonLine(topic, event)
      expect(parseNdjsonLine(utf8(line))).toMatchObject({ kind: 'parsed', topic, event })
      expect(parseNdjsonLine(utf8(`\ufeff${line}\r\n`))).toMatchObject({ kind: 'parsed', topic, event })
    }
  })

  it('leaves absent optionals out', () => {
    const checked = validateRaw('payments', PAYMENT)
    expect(checked.kind === 'accepted' && formatNdjsonLine('payments', checked.event)).not.toContain('null')
  })

  it.each([
    ['', 'not-json', 'the line is blank'],
    ['{"topic":"payments","ev', 'not-json', 'was it cut off?'],
    ['null', 'invalid-event', 'it is an object { "topic": ..., "event": ... }'],
    ['{"topic":"raw.payments","event":{}}', 'invalid-event', 'topic is "raw.payments"; it is one of payments'],
    ['{"topic":"unparsable","event":{}}', 'invalid-event', 'topic is "unparsable"'],
    ['{"topic":["payments"],"event":{}}', 'invalid-event', 'topic is a list; it is one of payments'],
    ['{"topic":{},"event":{}}', 'invalid-event', 'topic is an object; it is one of payments'],
    ['{"topic":null,"event":{}}', 'invalid-event', 'topic is null; it is one of payments'],
    ['{"topic":5,"event":{}}', 'invalid-event', 'topic is the number "5"; it is one of payments'],
    ['{"topic":"payments"}', 'invalid-event', 'event is missing'],
    ['{"topic":"payments","event":{},"label":1}', 'invalid-event', '"label"'],
    ['{"__proto__":{"topic":"payments","event":{}}}', 'invalid-event', '"__proto__"'],
    ['{"topic":"payments","event":{"__proto__":{"accountId":"a"}}}', 'invalid-event', '"__proto__" is no field of a payment'],
    [formatNdjsonLine('payments', { ...PAYMENT, accountId: '' }), 'missing-id', 'accountId is empty'],
    [formatNdjsonLine('payments', { ...PAYMENT, accountId: 'a\nb' }), 'hostile-id', 'accountId'],
    [formatNdjsonLine('payments', { ...PAYMENT, amountMinor: -500 }), 'invalid-value', 'amountMinor is -500'],
    [formatNdjsonLine('payments', PAYMENT).replace('purchase', 'theft'), 'unknown-enum', 'kind is "theft"'],
    [formatNdjsonLine('payments', PAYMENT), 'invalid-event', 'valid event of payments, on the topic for what is none'],
    ['x'.repeat(65537), 'oversized', '65537 bytes'],
    ['tx_id,datetime,amount', 'not-json', 'the line is not JSON'],
  ])('%.60s has its reason found again from its bytes', (line, reason, words) => {
    const found = readUnparsable(utf8(line))
    expect(found).toMatchObject({ reason })
    expect(found.detail).toContain(words)
  })

  it.each([
    ['a topic', (deep: string) => `{"topic":${deep},"event":{}}`, 'topic is a list'],
    ['an event', (deep: string) => `{"topic":"payments","event":${deep}}`, 'the event is a list'],
    ['a field', (deep: string) => `{"topic":"payments","event":{"accountId":${deep}}}`, 'accountId is a list'],
    ['a member that is none', (deep: string) => `{"topic":"payments","event":{},"more":${deep}}`, '"more"'],
    ['a line', (deep: string) => deep, 'the line is'],
  ])('with as many levels as %s of its size can have is refused by name', (_what, lineOf, words) => {
    const line = lineOf(`${'['.repeat(32_000)}${']'.repeat(32_000)}`)
    expect(readUnparsable(utf8(line))).toMatchObject({ detail: expect.stringContaining(words) })
    expect(readOrigin('unparsable', utf8(line))).toMatchObject({ eventId: null, accountId: null })
  })

  it('with a byte that is not UTF-8 is refused as such', () => {
    expect(parseNdjsonLine(Uint8Array.of(0x7b, 0xff, 0x7d))).toMatchObject({ kind: 'rejected', reason: 'invalid-utf8' })
  })
})

describe('a token', () => {
  const unseen: readonly (readonly [string, string])[] = [
    ...[0x7f, 0xad, 0x034f, 0x061c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e, 0x200b, 0x202e, 0x2060, 0x2800, 0x3164, 0xfe00, 0xfe0f, 0xfeff],
    ...[0xffa0, 0xfff9, 0xe0000, 0xe0041, 0xe0100, 0xe0fff],
  ].map((code) => [code.toString(16), String.fromCodePoint(code)])

  it.each(unseen)('holds no U+%s, in JSON as in Avro, and the message shows that it was there', (_code, character) => {
    const accountId = `acc${character}1`
    const inJson = validateRaw('payments', { ...PAYMENT, accountId })
    expect(inJson).toMatchObject({ kind: 'rejected', problems: [{ field: 'accountId', code: 'hostile-text' }] })
    const decoded = decodeRaw('payments', withAccount(accountId))
    expect(decoded).toMatchObject({ kind: 'rejected', reason: 'hostile-id' })
    const escapes = Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
    expect(decoded).toMatchObject({ detail: expect.stringContaining(`"acc${escapes.join('')}1"`) })
  })

  it.each(['é', 'ᅡ', '⠁', '가', '漢', '𝒳', '🙂', 'ﷺ', 'ｱ'])('may hold %s', (accountId) => {
    expect(validateRaw('payments', { ...PAYMENT, accountId }).kind).toBe('accepted')
    expect(decodeRaw('payments', withAccount(accountId))).toMatchObject({ kind: 'decoded', event: { accountId } })
  })

  /** A payment of this account in Avro, which the encoder would refuse to write. */
  function withAccount(accountId: string): Uint8Array {
    const bytes = Buffer.byteLength(accountId)
    const value = Buffer.from(encodeRaw('payments', { ...PAYMENT, accountId: 'x'.repeat(bytes) }))
    value.write(accountId, value.indexOf('x'.repeat(bytes)))
    return value
  }
})

describe('canonical JSON', () => {
  it('has one order, one spelling and whole numbers only', () => {
    expect(canonicalText({ b: [1, -2, null, true], a: 'é"\n\u2028', c: undefined })).toBe('{"a":"é\\"\\n\u2028","b":[1,-2,null,true]}')
    expect(canonicalText({ a: 1, b: { d: 1, c: 2 } }, ['b', 'a'])).toBe('{"b":{"c":2,"d":1},"a":1}')
    expect(canonicalJson('é')).toEqual(utf8('"é"'))
  })

  it.each([[1.5], [2 ** 53], [-0], [Number.NaN], ['\ud800']])('refuses %p', (value) => {
    expect(() => canonicalText(value)).toThrow(RangeError)
  })

  it('refuses a name outside the order given', () => {
    expect(() => canonicalText({ a: 1 }, ['b'])).toThrow('"a" has no place in the order b')
  })
})

const DECISION: DecisionMadeInput = {
  ladderAfter: 'none',
  ladderBefore: 'none',
  decisionId: PAYMENT.eventId,
  sequence: 5,
  eventId: PAYMENT.eventId,
  accountId: 'a-0293',
  eventTimeMs: PAYMENT.eventTimeMs,
  subject: { topic: 'payments', businessId: 'pay-88213' },
  verdict: 'hold',
  scorePoints: 742,
  signals: [
    {
      detector: 'velocity',
      code: 'velocity',
      points: 742,
      features: [{ name: 'count', value: 41, unit: 'payments', fromMs: 0, toMs: 600_000, exact: true }],
      historyCount: 41,
    },
  ],
  combinations: [],
  reasonCodes: ['velocity'],
  facts: [],
}

describe('ledger events', () => {
  it('are canonical JSON in schema order, whatever order they came in', () => {
    const bytes = encodeLedgerJson('DecisionMade', DECISION)
    const text = new TextDecoder().decode(bytes)
    expect(text.startsWith(`{"decisionId":"${PAYMENT.eventId}","sequence":5,`)).toBe(true)
    expect(text.endsWith('"ladderBefore":"none","ladderAfter":"none"}')).toBe(true)
    const back = validateLedgerJson('DecisionMade', JSON.parse(text))
    expect(back.kind === 'accepted' && encodeLedgerJson('DecisionMade', back.event)).toEqual(bytes)
  })

  it('name the place of a mistake inside', () => {
    const signals = [{ ...DECISION.signals[0], features: [{ name: 'count', value: 1.5, unit: 'payments', exact: true }] }]
    const checked = validateLedgerJson('DecisionMade', { ...DECISION, signals })
    expect(checked).toMatchObject({ kind: 'rejected', problems: [{ field: 'signals[0].features[0].value', code: 'wrong-type' }] })
    expect(() => encodeLedgerJson('DecisionMade', { ...DECISION, signals })).toThrow('no DecisionMade')
  })

  it('in Avro are read back, unions of bytes and digest included', () => {
    const input = {
      topic: 0,
      offset: 8120,
      brokerTimeMs: 1_778_697_620_000,
      orderLagMs: null,
      body: Uint8Array.of(0xc3, 0x01),
      status: 'screened',
      reason: null,
      lateByMs: null,
      firstSequence: null,
      verdict: 'allow',
      scorePoints: 12,
      dedupeUnchecked: false,
      habitDistanceCenti: null,
    } as const
    const digest = { sha256: Uint8Array.from(sha256(utf8('large'))), lengthBytes: 70_000 }
    const event: InputsScreened = {
      firstSequence: 10_442,
      tickMs: 1_778_697_621_000,
      positions: [{ topic: 0, fromOffset: 8120, toOffset: 8123 }],
      inputs: [
        input,
        { ...input, offset: 8122, body: digest, status: 'quarantined', reason: 'oversized', verdict: null, habitDistanceCenti: -250 },
      ],
      gaps: [{ topic: 0, fromOffset: 8121, toOffset: 8122, reason: 'transaction-marker' }],
      facts: [
        { sequence: 10_442, kind: 'counterparty', keyToken: 'm-0071', value: Uint8Array.of(1, 2, 3), sourceStream: '', sourceRevision: -1 },
      ],
    }
    const bytes = encodeLedgerAvro('InputsScreened', event)
    const decoded = decodeLedgerAvro('InputsScreened', bytes)
    expect(decoded).toEqual({ kind: 'decoded', event })
    for (let length = 0; length < bytes.length; length++)
      expect(decodeLedgerAvro('InputsScreened', bytes.subarray(0, length)).kind).toBe('rejected')
  })
})

describe('ids and hashes', () => {
  it('UUIDv5 is the one of RFC 9562, appendix A.4', () => {
    expect(uuidV5(uuidBytes('6ba7b810-9dad-11d1-80b4-00c04fd430c8'), utf8('www.example.com'))).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2')
  })

  it('UUIDv7 is the one of RFC 9562, appendix A.6', () => {
    expect(uuidV7(0x017f22e279b0, fromHex('0cc318c4dc0c0c07398f'))).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
  })

  it('the namespaces stay what they are', () => {
    expect(Object.entries(UUID_NAMESPACES).map(([name, bytes]) => `${name} ${toHex(bytes)}`)).toMatchInlineSnapshot(`
      [
        "entry d8246e3621c452dd915c1949f20d6eca",
        "decision cc005db7a0f8576bb2cca97d4062e5d5",
        "importedEvent 86783749bdc559eb84d31953f31b5578",
        "redrivenEvent c4bc2dbe3c735b058afbb0aecef44fcb",
        "message a1d139c683135dc79a59b8ac67b00318",
        "simulatedEvent 291d9dd125fa57908f982446dd292dd7",
      ]
    `)
  })

  it('hexadecimal digits and bytes are each other’s inverse', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    expect(fromHex(toHex(bytes))).toEqual(bytes)
    expect(() => fromHex('0g')).toThrow(RangeError)
    expect(() => fromHex('abc')).toThrow(RangeError)
    expect(toHex(sha256(bytes))).toBe(createHash('sha256').update(bytes).digest('hex'))
  })
})
