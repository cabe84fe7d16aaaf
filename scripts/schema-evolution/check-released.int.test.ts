import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkReleased } from './check-released'

const SCHEMAS = join(__dirname, '..', '..', 'schemas')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-schemas-'))
  cpSync(SCHEMAS, folder, { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

function change(path: string, by: (text: string) => string): void {
  writeFileSync(join(folder, path), by(readFileSync(join(folder, path), 'utf8')))
}

function withNewField(text: string): string {
  const schema = JSON.parse(text) as { fields: unknown[] }
  return JSON.stringify({ ...schema, fields: [...schema.fields, { name: 'more', type: ['null', 'int'], default: null, doc: 'New.' }] })
}

test('the schemas in the repository only grew', () => {
  expect(checkReleased(folder)).toEqual([])
})

test('names file, version and field', () => {
  change('raw/payments.avsc', (text) => text.replace('"name": "provider"', '"name": "processor"'))
  expect(checkReleased(folder)).toEqual(['raw/payments.avsc, against 0.1.0: provider: is gone; a field is never removed or renamed'])
})

test('what the ledger stores in Avro does not grow', () => {
  change('ledger/artifact-stored.avsc', withNewField)
  expect(checkReleased(folder)).toEqual([
    'ledger/artifact-stored.avsc, against 0.1.0: is stored in Avro and is another schema now; entries of the released one could not be read. Give what is new an event of its own',
  ])
})

test('what the ledger stores in JSON, what comes in and what goes out may grow by what may be null', () => {
  for (const path of ['ledger/segment-opened.avsc', 'raw/payments.avsc', 'risk/verdict-published.avsc']) change(path, withNewField)
  expect(checkReleased(folder)).toEqual([])
})

test('every released version counts, not the last alone', () => {
  cpSync(join(folder, 'released', '0.1.0'), join(folder, 'released', '0.2.0'), { recursive: true })
  const retype = (text: string) => text.replace('"type": ["null", "int"]', '"type": ["null", "long"]')
  change('raw/payments.avsc', retype)
  change('released/0.2.0/raw/payments.avsc', retype)
  expect(checkReleased(folder)).toEqual(['raw/payments.avsc, against 0.1.0: utcOffsetMinutes: was int, is long; a type never changes'])
})

test('a schema that is gone is missed', () => {
  rmSync(join(folder, 'ledger', 'tenure-began.avsc'))
  expect(checkReleased(folder)).toEqual(['ledger/tenure-began.avsc: was released in 0.1.0 and is gone; nothing is removed or renamed'])
})

test('a repository without releases is no clean one', () => {
  rmSync(join(folder, 'released'), { recursive: true })
  mkdirSync(join(folder, 'released'))
  expect(() => checkReleased(folder)).toThrow('holds no schemas')
})
