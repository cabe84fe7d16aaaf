import { writeLong, MAX_LONG_BYTES } from './zigzag'
import { describeNode, type SchemaNode } from './schema-node'

const NOTHING = new Uint8Array(0)

/**
 * The bytes of a field's default (Avro 1.11 specification, "Complex Types", table of default values): of a union the first branch counts, bytes and
 * fixed are text of U+0000 to U+00FF. Null where it is none of the type's values. Numbers with a fraction are not supported.
 */
export function encodeDefault(node: SchemaNode, value: unknown): Uint8Array | null {
  switch (node.kind) {
    case 'primitive':
      return encodePrimitive(node.name, value)
    case 'fixed':
      return typeof value === 'string' && value.length === node.size ? latin1(value) : null
    case 'enum': {
      const index = node.symbols.indexOf(value as string)
      return index < 0 ? null : long(index)
    }
    case 'union': {
      const inner = encodeDefault(node.branches[0], value)
      return inner === null ? null : joined([long(0), inner])
    }
    case 'array':
      return Array.isArray(value) ? block(value.map((item) => encodeDefault(node.items, item))) : null
    case 'map':
      return isObject(value) ? block(Object.entries(value).map(([key, item]) => both(text(key), encodeDefault(node.items, item)))) : null
    case 'record': {
      if (!isObject(value)) return null
      return all(
        node.fields.map((field) => encodeDefault(field.node, field.name in value ? value[field.name] : field.attributes['default'])),
      )
    }
  }
}

/** What a default should have been, for messages. */
export function describeDefault(node: SchemaNode): string {
  return describeNode(node.kind === 'union' ? node.branches[0] : node)
}

function encodePrimitive(name: string, value: unknown): Uint8Array | null {
  switch (name) {
    case 'null':
      return value === null ? NOTHING : null
    case 'boolean':
      return typeof value === 'boolean' ? Uint8Array.of(value ? 1 : 0) : null
    case 'int':
      return Number.isInteger(value) && value === (value as number) >> 0 ? long(value) : null
    case 'long':
      return Number.isSafeInteger(value) ? long(value as number) : null
    case 'string':
      return typeof value === 'string' ? text(value) : null
    case 'bytes': {
      const bytes = typeof value === 'string' ? latin1(value) : null
      return bytes === null ? null : joined([long(bytes.length), bytes])
    }
    default:
      return null
  }
}

function block(items: readonly (Uint8Array | null)[]): Uint8Array | null {
  if (items.length === 0) return long(0)
  const inner = all(items)
  return inner === null ? null : joined([long(items.length), inner, long(0)])
}

function all(parts: readonly (Uint8Array | null)[]): Uint8Array | null {
  return parts.includes(null) ? null : joined(parts as readonly Uint8Array[])
}

function both(first: Uint8Array, second: Uint8Array | null): Uint8Array | null {
  return second === null ? null : joined([first, second])
}

function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value)
  return joined([long(bytes.length), bytes])
}

function latin1(value: string): Uint8Array | null {
  const codes = [...value].map((character) => character.codePointAt(0)!)
  return codes.every((code) => code <= 0xff) ? Uint8Array.from(codes) : null
}

function long(value: number): Uint8Array {
  const bytes = new Uint8Array(MAX_LONG_BYTES)
  return bytes.slice(0, writeLong(bytes, 0, value))
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
