import type { Node, RecordNode } from './model'
import { docComment, fieldSet, tableName } from './names'

const ARTICLES = /^[AEIOU]/

/** A function that checks a record in JSON, for the record itself and, where it is nested in another, for its part. */
export function emitValidator(record: RecordNode, options: { readonly isRoot: boolean }): string {
  const fields = record.fields.filter((field) => !field.pii)
  const names = `${fieldSet(record)}: ReadonlySet<string> = new Set([${fields.map((field) => `'${field.name}'`).join(', ')}])`
  const what = record.name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase()
  const article = ARTICLES.test(record.name) ? 'an' : 'a'
  const members = fields
    .map((field) => `${field.name}: ${checkExpression(field.node, `record.${field.name}`, `'${field.name}'`)},\n`)
    .join('')
  const part =
    `function check${record.name}(check: JsonCheck, value: unknown, field: string): ${record.name} {\n` +
    `const record = check.members(value, field, '${article} ${what}', ${fieldSet(record)})\n` +
    `return ${options.isRoot ? `{\n${members}}` : `check.within(field, () => ({\n${members}}))`}\n}\n`
  const root = options.isRoot
    ? `\n${docComment(`Checks \`${record.name}\` in JSON: the event with its fields in schema order, or everything wrong with it.`)}` +
      `export function validate${record.name}(json: unknown): Validation<${record.name}> {\nconst check = new JsonCheck()\nreturn check.outcome(check${record.name}(check, json, ''))\n}\n`
    : ''
  return `const ${names}\n\n${part}${root}`
}

function checkExpression(node: Node, value: string, field: string): string {
  switch (node.kind) {
    case 'integer':
      return `check.integer(${value}, ${field}, ${node.minimum}, ${node.maximum}, ${JSON.stringify(node.rule)})`
    case 'boolean':
      return `check.boolean(${value}, ${field})`
    case 'token':
    case 'text':
      return `check.${node.kind}(${value}, ${field}, ${node.maxBytes})`
    case 'formatted':
      return `check.formatted(${value}, ${field}, ${node.maxBytes}, '${node.format}')`
    case 'uuid':
      return `check.uuid(${value}, ${field})`
    case 'enum':
      return `check.symbol(${value}, ${field}, ${tableName(node.name)})`
    case 'record':
      return `check${node.name}(check, ${value}, ${field})`
    case 'array':
      return `check.list(${value}, ${field}, ${node.maxItems}, (item, field) => ${checkExpression(node.items, 'item', 'field')})`
    case 'map':
      return `check.map(${value}, ${field}, ${node.maxItems}, (item, field) => ${checkExpression(node.items, 'item', 'field')})`
    case 'optional':
      return `${value} === undefined || ${value} === null ? null : ${checkExpression(node.of, value, field)}`
    case 'bytes':
    case 'fixed':
    case 'either':
      throw new Error(`${field} holds bytes, which JSON has no place for; give its record the encoding avro`)
  }
}
