import { inputTypeOf, typeOf } from './emit-types'
import type { FieldNode, Node, RecordNode } from './model'
import { docComment, lowerFirst, tableName, upperFirst } from './names'

/** Functions that read and write a record in Avro's binary encoding, with those for the items of its lists and maps. */
export function emitCodec(record: RecordNode): string {
  return `${emitItems(record)}${emitReader(record)}\n${emitWriter(record)}`
}

function emitReader(record: RecordNode): string {
  const lines = record.fields.map((field) => {
    const read = readExpression(field.node, field, record)
    return field.pii ? `${read}\n` : `const ${field.name} = ${read}\n`
  })
  const kept = record.fields.filter((field) => !field.pii).map((field) => field.name)
  return (
    `${docComment(`Reads one \`${record.name}\`; what is wrong with it stands in \`reader.failure\`.`)}` +
    `export function read${record.name}(reader: AvroReader): ${record.name} {\n${lines.join('')}return { ${kept.join(', ')} }\n}\n`
  )
}

function emitWriter(record: RecordNode): string {
  const lines = record.fields.map((field) =>
    field.pii ? 'writer.branch(0)\n' : writeStatement(field.node, `value.${field.name}`, field, record),
  )
  return (
    `${docComment(`Writes one \`${record.name}\`. Throws \`RiskError\` \`input-rejected\` for a value that its schema does not allow.`)}` +
    `export function write${record.name}(writer: AvroWriter, value: ${record.name}Input): void {\n${lines.join('')}}\n`
  )
}

/** The expression that reads a field's value with `reader`. */
export function readExpression(node: Node, field: FieldNode, record: RecordNode): string {
  const name = `'${field.name}'`
  switch (node.kind) {
    case 'integer':
      return `reader.integer(${name}, ${node.minimum}, ${node.maximum})`
    case 'boolean':
      return `reader.boolean(${name})`
    case 'token':
      return `reader.token(${name}, ${node.maxBytes}, ${String(!node.unique)})`
    case 'text':
      return `reader.text(${name}, ${node.maxBytes})`
    case 'formatted':
      return `reader.formatted(${name}, ${node.maxBytes}, '${node.format}')`
    case 'bytes':
      return `reader.sized(${name}, ${node.maxBytes})`
    case 'fixed':
      return `reader.fixed(${name}, ${node.size})`
    case 'uuid':
      return `reader.uuid(${name})`
    case 'enum':
      return `${tableName(node.name)}[reader.symbol(${name}, ${node.symbols.length})]`
    case 'record':
      return `read${node.name}(reader)`
    case 'array':
      return `readList(reader, ${name}, ${node.maxItems}, ${itemName('read', node.items, field, record)})`
    case 'map':
      return `readMap(reader, ${name}, ${node.maxItems}, ${itemName('read', node.items, field, record)})`
    case 'optional':
      return `reader.branch(${name}, 2) === 0 ? null : ${readExpression(node.of, field, record)}`
    case 'either':
      return `reader.branch(${name}, 2) === 0 ? ${node.branches.map((branch) => readExpression(branch, field, record)).join(' : ')}`
  }
}

function writeStatement(node: Node, value: string, field: FieldNode, record: RecordNode): string {
  const name = `'${field.name}'`
  switch (node.kind) {
    case 'integer':
      return `writer.integer(${name}, ${value}, ${node.minimum}, ${node.maximum})\n`
    case 'boolean':
      return `writer.boolean(${name}, ${value})\n`
    case 'token':
    case 'text':
      return `writer.${node.kind}(${name}, ${value}, ${node.maxBytes})\n`
    case 'formatted':
      return `writer.formatted(${name}, ${value}, ${node.maxBytes}, '${node.format}')\n`
    case 'bytes':
      return `writer.sized(${name}, ${value}, ${node.maxBytes})\n`
    case 'fixed':
      return `writer.fixed(${name}, ${value}, ${node.size})\n`
    case 'uuid':
      return `writer.uuid(${name}, ${value})\n`
    case 'enum':
      return `writer.index(${name}, ${lowerFirst(node.name)}Index(${value}), ${value})\n`
    case 'record':
      return `write${node.name}(writer, ${value})\n`
    case 'array':
    case 'map': {
      const write = node.kind === 'array' ? 'writeList' : 'writeMap'
      return `${write}(writer, ${name}, ${value}, { maxItems: ${node.maxItems}, writeItem: ${itemName('write', node.items, field, record)} })\n`
    }
    case 'optional':
      return `if (${value} === undefined || ${value} === null) writer.branch(0)\nelse {\nwriter.branch(1)\n${writeStatement(node.of, value, field, record)}}\n`
    case 'either': {
      const [bytes, other] = node.branches.map((branch) => writeStatement(branch, value, field, record))
      return `if (${value} instanceof Uint8Array) {\nwriter.branch(0)\n${bytes}} else {\nwriter.branch(1)\n${other}}\n`
    }
  }
}

function itemName(verb: 'read' | 'write', items: Node, field: FieldNode, record: RecordNode): string {
  return items.kind === 'record' ? `${verb}${items.name}` : `${verb}${record.name}${upperFirst(field.name)}Item`
}

function emitItems(record: RecordNode): string {
  let text = ''
  for (const field of record.fields) {
    const node = field.node
    if ((node.kind !== 'array' && node.kind !== 'map') || node.items.kind === 'record') continue
    const items = node.items
    text +=
      `function ${itemName('read', items, field, record)}(reader: AvroReader): ${typeOf(items)} {\nreturn ${readExpression(items, field, record)}\n}\n\n` +
      `function ${itemName('write', items, field, record)}(writer: AvroWriter, value: ${inputTypeOf(items)}): void {\n${writeStatement(items, 'value', field, record)}}\n\n`
  }
  return text
}
