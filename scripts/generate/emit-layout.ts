import type { FieldNode, Node } from './model'
import { tableName } from './names'
import type { SchemaFile } from './read-schemas'

/** The table by topic of every raw event's fields, in the order of their bytes. */
export function emitRawLayouts(schemas: readonly SchemaFile[]): string {
  const layouts = schemas.map(({ subject, record }) => `'${subject}': [\n${record.fields.map(layoutOf).join('')}],\n`).join('')
  const tables = [...new Set(Array.from(layouts.matchAll(/symbols: (\w+)/g), (match) => match[1]))]
  return (
    `import type { EventTopic } from '@riskledger/contracts'\nimport type { FieldLayout } from '../avro/field-layout'\n` +
    `import { ${tables.join(', ')} } from './enums'\n\n` +
    `/** The fields of each raw topic's events, in the order of their bytes. */\n` +
    `export const RAW_LAYOUTS: { readonly [Topic in EventTopic]: readonly FieldLayout[] } = {\n${layouts}}\n`
  )
}

function layoutOf({ name, node, pii }: FieldNode): string {
  const optional = node.kind === 'optional'
  const type = pii ? `{ kind: 'other' }` : typeLayout(optional ? node.of : node)
  return `{ name: '${name}', optional: ${String(optional)}, type: ${type} },\n`
}

function typeLayout(node: Node): string {
  switch (node.kind) {
    case 'integer':
      return `{ kind: 'integer', minimum: ${node.minimum}, maximum: ${node.maximum} }`
    case 'token':
    case 'text':
      return `{ kind: '${node.kind}', maxBytes: ${node.maxBytes} }`
    case 'formatted':
      return `{ kind: 'formatted', maxBytes: ${node.maxBytes}, format: '${node.format}' }`
    case 'enum':
      return `{ kind: 'enum', symbols: ${tableName(node.name)} }`
    case 'boolean':
    case 'uuid':
      return `{ kind: '${node.kind}' }`
    default:
      return `{ kind: 'other' }`
  }
}
