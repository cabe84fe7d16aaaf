import type { Node, RecordNode } from './model'
import { docComment, fieldSet, tableName } from './names'

/** A function that writes a record's canonical JSON where it is plain: see `JsonWriter`. It stands behind the record's validator. */
export function emitJsonWriter(record: RecordNode, options: { readonly isRoot: boolean }): string {
  const fields = record.fields.filter((field) => !field.pii)
  const names = fieldSet(record).replace(/FIELDS$/, 'NAMES')
  const members = fields.map(({ name, node }, index) => {
    const value = `record.${name}`
    const write = `writer.name(${names}[${index}])\n${writeStatement(node.kind === 'optional' ? node.of : node, value, name)}\n`
    return node.kind === 'optional' ? `if (${value} !== undefined && ${value} !== null) {\n${write}}\n` : write
  })
  const head = options.isRoot
    ? `${docComment(`Writes \`${record.name}\` in canonical JSON where it is plain, and leaves it to its validator where not.`)}export `
    : ''
  return (
    `const ${names} = jsonNames(${fieldSet(record)})\n\n` +
    `${head}function print${record.name}(writer: JsonWriter, value: unknown): void {\n` +
    `const record = writer.open(value, ${fieldSet(record)})\n${members.join('')}writer.close()\n}\n`
  )
}

function writeStatement(node: Node, value: string, field: string): string {
  switch (node.kind) {
    case 'integer':
      return `writer.integer(${value}, ${node.minimum}, ${node.maximum})`
    case 'boolean':
      return `writer.boolean(${value})`
    case 'token':
    case 'text':
      return `writer.${node.kind}(${value}, ${node.maxBytes})`
    case 'formatted':
      return `writer.formatted(${value}, ${node.maxBytes}, '${node.format}')`
    case 'enum':
      return `writer.symbol(${value}, ${tableName(node.name)})`
    case 'record':
      return `print${node.name}(writer, ${value})`
    case 'array':
      return `writer.list(${value}, ${node.maxItems}, ${itemWriter(node.items, field)})`
    case 'optional':
    case 'uuid':
    case 'map':
    case 'bytes':
    case 'fixed':
    case 'either':
      throw new Error(`${field}: canonical JSON of a ledger event has no ${node.kind} in this place`)
  }
}

function itemWriter(items: Node, field: string): string {
  return items.kind === 'record' ? `print${items.name}` : `(writer, item) => ${writeStatement(items, 'item', field)}`
}
