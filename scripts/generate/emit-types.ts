import type { EnumNode, Node, RecordNode } from './model'
import { docComment, lowerFirst, tableName } from './names'

/** The TypeScript of a type, as decoded. */
export function typeOf(node: Node): string {
  switch (node.kind) {
    case 'integer':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'token':
    case 'text':
    case 'formatted':
    case 'uuid':
      return 'string'
    case 'bytes':
    case 'fixed':
      return 'Uint8Array'
    case 'enum':
    case 'record':
      return node.name
    case 'array':
      return `readonly ${node.items.kind === 'either' || node.items.kind === 'optional' ? `(${typeOf(node.items)})` : typeOf(node.items)}[]`
    case 'map':
      return `Readonly<Record<string, ${typeOf(node.items)}>>`
    case 'optional':
      return `${typeOf(node.of)} | null`
    case 'either':
      return node.branches.map(typeOf).join(' | ')
  }
}

/** The TypeScript of a type as a publisher may give it. */
export function inputTypeOf(node: Node): string {
  switch (node.kind) {
    case 'record':
      return `${node.name}Input`
    case 'array':
      return `readonly ${node.items.kind === 'either' ? `(${inputTypeOf(node.items)})` : inputTypeOf(node.items)}[]`
    case 'optional':
      return `${inputTypeOf(node.of)} | null | undefined`
    case 'either':
      return node.branches.map(inputTypeOf).join(' | ')
    default:
      return typeOf(node)
  }
}

/** An enum as a union of strings, its table of symbols in Avro's order, and the way back. */
export function emitEnum(node: EnumNode): string {
  const table = tableName(node.name)
  const union = node.symbols.map((symbol) => `'${symbol}'`).join(' | ')
  const cases = node.symbols.map((symbol, index) => `case '${symbol}': return ${index}\n`).join('')
  return (
    `${docComment(node.doc === '' ? `Symbols of \`${node.name}\`.` : node.doc)}export type ${node.name} = ${union}\n\n` +
    `${docComment(`Every \`${node.name}\`, in the order of its schema.`)}export const ${table}: readonly ${node.name}[] = [${node.symbols.map((symbol) => `'${symbol}'`).join(', ')}]\n\n` +
    `${docComment(`Index of a symbol in \`${table}\`, or -1.`)}export function ${lowerFirst(node.name)}Index(symbol: ${node.name}): number {\nswitch (symbol) {\n${cases}default: return -1\n}\n}\n`
  )
}

/** A record as decoded, and as a publisher may give it. */
export function emitRecordTypes(record: RecordNode): string {
  const fields = record.fields.filter((field) => !field.pii)
  const decoded = fields.map((field) => `${docComment(field.doc)}readonly ${field.name}: ${typeOf(field.node)}\n`).join('')
  const input = fields
    .map(
      (field) => `${docComment(field.doc)}readonly ${field.name}${field.node.kind === 'optional' ? '?' : ''}: ${inputTypeOf(field.node)}\n`,
    )
    .join('')
  return (
    `${docComment(`${record.doc} Every field is there; an absent optional is null.`)}export interface ${record.name} {\n${decoded}}\n\n` +
    `${docComment(`${record.doc} As written: optional fields may be left out.`)}export interface ${record.name}Input {\n${input}}\n`
  )
}
