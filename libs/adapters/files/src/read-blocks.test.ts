import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { CsvEmitter } from './csv-emitter'
import type { Emission } from './emission'
import { parseMapping } from './mapping'
import { type Emitter, NdjsonEmitter } from './ndjson-emitter'
import { BlockCutter } from './read-blocks'
import { emissionsOf } from './testing/emissions-of'

function emit(content: Buffer, emitter: Emitter, chunks: readonly number[]): unknown[] {
  const cutter = new BlockCutter()
  const emissions: Emission[] = []
  let at = 0
  for (let n = 0; at < content.length; n++) {
    const bytes = chunks[n % chunks.length]
    for (const block of cutter.add(content.subarray(at, at + bytes))) emissions.push(...emissionsOf(emitter.add(block)))
    at += bytes
  }
  for (const block of cutter.end()) emissions.push(...emissionsOf(emitter.add(block)))
  emissions.push(...emissionsOf(emitter.end()))
  return emissions.map((emission) => ({ ...emission, value: Buffer.from(emission.value).toString('hex') }))
}

describe('however a file falls into chunks, its emissions are the same', () => {
  const parsed = parseMapping(readFileSync(join(__dirname, '../../../../examples/mappings/card-payments.yaml'), 'utf8'))
  if (parsed.kind === 'rejected') throw new Error(JSON.stringify(parsed.problems))
  const { mapping } = parsed
  const piece = fc.constantFrom(
    '1,2018-04-01 10:00:00,a,b,1.00,1\n',
    '2,2018-04-09 10:00:00,"a\nb",c,2,0\r\n',
    '3,x,"',
    '\n',
    '\r\n',
    'é,',
    '"',
    'garbage',
  )
  const chunks = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })

  test('CSV and NDJSON, with quotes that do not close and text that is not ASCII', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), chunks, (pieces, sizes) => {
        const rows = Buffer.from(`\ufefftx_id,datetime,customer_id,terminal_id,amount,fraud\n${pieces.join('')}`)
        expect(emit(rows, new CsvEmitter('f', mapping), sizes)).toEqual(emit(rows, new CsvEmitter('f', mapping), [1e9]))
        const lines = Buffer.from(pieces.join(''))
        expect(emit(lines, new NdjsonEmitter('f'), sizes)).toEqual(emit(lines, new NdjsonEmitter('f'), [1e9]))
      }),
      { numRuns: 200 },
    )
  })

  test.each([1_048_576, 1_048_577, 1_048_578, 2_500_000])('a line of %d bytes between others, ended either way', (bytes) => {
    for (const end of ['\n', '\r\n']) {
      const content = Buffer.from(`a${end}${'x'.repeat(bytes)}${end}${'y'.repeat(bytes)}${end}b${end}`)
      const whole = emit(content, new NdjsonEmitter('f'), [1e9])
      expect(whole).toHaveLength(4)
      for (const size of [999, 65_536, 262_144]) expect(emit(content, new NdjsonEmitter('f'), [size])).toEqual(whole)
    }
  })
})
