import { describeDefault, encodeDefault } from '../../libs/core/events/src/avro/encode-default'
import { JsonCheck } from '../../libs/core/events/src/json/json-check'
import type { TextFormat } from '../../libs/core/events/src/text/format'
import type { SchemaField, SchemaNode } from '../../libs/core/events/src/avro/schema-node'

const INTEGERS: Readonly<Record<string, readonly [number, number]>> = {
  int: [-(2 ** 31), 2 ** 31 - 1],
  long: [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
}
/** What the generator takes where a schema states none. */
const MAX_BYTES = 128
const MAX_ITEMS = 64

/**
 * What keeps data written before a field was there from being read with its default, beyond what Avro asks; null where nothing does. Readers hold a
 * default to the field's own limits, like any value, and the validators of JSON apply none: there only a field that may be null may be missing.
 */
export function defaultProblem({ node, attributes }: SchemaField, { hasJsonForm }: { readonly hasJsonForm: boolean }): string | null {
  const value = attributes['default']
  // Avro's own rules say what is wrong with these.
  if (!('default' in attributes) || encodeDefault(node, value) === null) return null
  if (hasJsonForm && value !== null)
    return `is new and its default is ${JSON.stringify(value)}, not null; JSON knows no defaults, so JSON of the released version could not be read: make it ["null", ${describeDefault(node)}]`
  const check = new JsonCheck()
  checkLimits(check, { node, attributes, value, what: 'its default' })
  return check.problems.at(0)?.message ?? null
}

interface Held {
  readonly node: SchemaNode
  /** Of the field: they bound the items of its lists, too. */
  readonly attributes: SchemaField['attributes']
  readonly value: unknown
  readonly what: string
}

function checkLimits(check: JsonCheck, { node, attributes, value, what }: Held): void {
  const checkItem = (items: SchemaNode) => (item: unknown, at: string) =>
    checkLimits(check, { node: items, attributes, value: item, what: at })
  const maxItems = numberOr(attributes['maxItems'], MAX_ITEMS)
  switch (node.kind) {
    case 'primitive':
      return checkPrimitive(check, { name: node.name, attributes, value, what })
    case 'union':
      return checkLimits(check, { node: node.branches[0], attributes, value, what })
    case 'array':
      return void check.list(value, what, maxItems, checkItem(node.items))
    case 'map':
      return void check.map(value, what, maxItems, checkItem(node.items))
    case 'record': {
      const record = value as Readonly<Record<string, unknown>>
      for (const field of node.fields) {
        const held = field.name in record ? record[field.name] : field.attributes['default']
        checkLimits(check, { node: field.node, attributes: field.attributes, value: held, what: `${what}.${field.name}` })
      }
      return
    }
    case 'enum':
    case 'fixed':
      return
  }
}

function checkPrimitive(check: JsonCheck, { name, attributes, value, what }: Omit<Held, 'node'> & { readonly name: string }): void {
  const maxBytes = numberOr(attributes['maxBytes'], MAX_BYTES)
  if (Object.hasOwn(INTEGERS, name)) {
    const [minimum, maximum] = INTEGERS[name]
    check.integer(value, what, numberOr(attributes['minimum'], minimum), numberOr(attributes['maximum'], maximum), '')
  } else if (name === 'bytes') check.bytes(Buffer.from(value as string, 'latin1').toString('hex'), what, 0, maxBytes)
  else if (name !== 'string') return
  else if (typeof attributes['format'] === 'string') check.formatted(value, what, maxBytes, attributes['format'] as TextFormat)
  else if (attributes['token'] === true) check.token(value, what, maxBytes)
  else check.text(value, what, maxBytes)
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
