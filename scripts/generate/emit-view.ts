import { readExpression } from './emit-codec'
import { typeOf } from './emit-types'
import type { FieldNode, Node, RecordNode } from './model'
import { docComment, tableName } from './names'

/** Longest token that a span can hold. */
const MAX_SPAN_BYTES = 255

/**
 * A class that reads one record after the other into the same object: numbers and symbols at once, tokens and ids only as places in the record's
 * bytes, of which getters make text when it is asked for.
 */
export function emitView(record: RecordNode): string {
  const fields = record.fields.filter((field) => !field.pii)
  const reads = record.fields.map((field) => readStatement(field, record)).join('')
  return (
    `${docComment(`A \`${record.name}\` as a view of its record's bytes, reused from record to record: keep no reference to it. \`Span\`: where a token's bytes lie, \`At\`: where an id's begin; 0 where it is absent.`)}` +
    `export class ${record.name}View implements ${record.name}, RawView {\nbytes: Uint8Array = NO_BYTES\n${fields.map(member).join('')}\n` +
    `/** Reads the record at which the reader stands; what is wrong with it stands in \`reader.failure\`, and the view is of no use then. */\n` +
    `read(reader: AvroReader): void {\nthis.bytes = reader.bytes\n${reads}}\n${fields.map(getter).join('')}}\n`
  )
}

/** The type that a field's place stands for, or null where the field is read at once. */
function placed(node: Node): 'Span' | 'At' | null {
  const inner = node.kind === 'optional' ? node.of : node
  if (inner.kind === 'token' && inner.maxBytes > MAX_SPAN_BYTES) throw new Error(`a token of ${inner.maxBytes} bytes does not fit a span`)
  return inner.kind === 'token' ? 'Span' : inner.kind === 'uuid' ? 'At' : null
}

function member(field: FieldNode): string {
  const place = placed(field.node)
  if (place !== null) return `${field.name}${place} = 0\n`
  return `${field.name}: ${typeOf(field.node)} = ${blank(field.node)}\n`
}

function blank(node: Node): string {
  switch (node.kind) {
    case 'integer':
      return '0'
    case 'boolean':
      return 'false'
    case 'text':
    case 'formatted':
      return `''`
    case 'bytes':
    case 'fixed':
      return 'NO_BYTES'
    case 'enum':
      return `${tableName(node.name)}[0]`
    case 'array':
      return '[]'
    case 'map':
      return '{}'
    case 'optional':
      return 'null'
    default:
      throw new Error(`a view has no field of the kind ${node.kind}`)
  }
}

function readStatement(field: FieldNode, record: RecordNode): string {
  const place = placed(field.node)
  if (field.pii) return `${readExpression(field.node, field, record)}\n`
  if (place === null) return `this.${field.name} = ${readExpression(field.node, field, record)}\n`
  const inner = field.node.kind === 'optional' ? field.node.of : field.node
  const read = inner.kind === 'token' ? `reader.tokenSpan('${field.name}', ${inner.maxBytes})` : `reader.uuidAt('${field.name}')`
  const optional = field.node.kind === 'optional' ? `reader.branch('${field.name}', 2) === 0 ? 0 : ` : ''
  return `this.${field.name}${place} = ${optional}${read}\n`
}

function getter(field: FieldNode): string {
  const place = placed(field.node)
  if (place === null) return ''
  const inner = field.node.kind === 'optional' ? field.node.of : field.node
  const at = `this.${field.name}${place}`
  const text = inner.kind === 'token' ? `spanText(this.bytes, ${at}, ${String(!inner.unique)})` : `uuidText(this.bytes, ${at})`
  const value = field.node.kind === 'optional' ? `${at} === 0 ? null : ${text}` : text
  return `\nget ${field.name}(): ${typeOf(field.node)} {\nreturn ${value}\n}\n`
}
