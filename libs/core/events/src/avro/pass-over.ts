import type { SchemaNode } from './schema-node'
import type { Transcoding } from './transcoding'
import { MAX_LONG_BYTES, writeLong } from './zigzag'

/** Brings one value from the writer's bytes to the reader's, or passes over it. */
export type Transcode = (record: Transcoding) => void

/** Passes over a value of the writer that the reader does not ask for. */
export function passOver(node: SchemaNode): Transcode {
  switch (node.kind) {
    case 'primitive':
    case 'fixed':
      return leaf(node, { copies: false })
    case 'enum':
      return (record) => record.takeLong(false)
    case 'array':
    case 'map':
      return blocks(passOver(node.items), { isMap: node.kind === 'map', copies: false })
    case 'union':
      return oneOf(node.branches.map(passOver), 'invalid-value')
    case 'record': {
      const fields = node.fields.map((field) => passOver(field.node))
      return (record) => {
        for (const field of fields) field(record)
      }
    }
  }
}

/** A value that has nothing within it: its bytes are copied as they are, or passed over. */
export function leaf(node: SchemaNode & { readonly kind: 'primitive' | 'fixed' }, { copies }: { readonly copies: boolean }): Transcode {
  if (node.kind === 'fixed') return (record) => record.take(node.size, copies)
  switch (node.name) {
    case 'null':
      return () => undefined
    case 'boolean':
      return (record) => record.take(1, copies)
    case 'float':
      return (record) => record.take(4, copies)
    case 'double':
      return (record) => record.take(8, copies)
    case 'int':
    case 'long':
      return (record) => record.takeLong(copies)
    case 'bytes':
    case 'string':
      return (record) => record.takeSized(copies)
  }
}

/** A list or map, block by block; blocks are written without their length in bytes. */
export function blocks(item: Transcode, { isMap, copies }: { readonly isMap: boolean; readonly copies: boolean }): Transcode {
  return (record) => {
    for (;;) {
      const length = record.blockLength()
      if (record.failure !== null) return
      if (copies) putLong(length)(record)
      if (length === 0) return
      for (let i = 0; i < length && record.failure === null; i++) {
        if (isMap) record.takeSized(copies)
        item(record)
      }
    }
  }
}

/** Reads an index, and does what stands there. */
export function oneOf(choices: readonly Transcode[], otherwise: 'unknown-enum' | 'invalid-value'): Transcode {
  return (record) => {
    const index = record.long()
    if (record.failure !== null) return
    if (index >= 0 && index < choices.length) choices[index](record)
    else record.fail(otherwise, `the index ${index} is none of the ${choices.length} that the writer's schema has`)
  }
}

/** Writes a number. */
export function putLong(value: number): Transcode {
  const bytes = new Uint8Array(MAX_LONG_BYTES)
  const encoded = bytes.subarray(0, writeLong(bytes, 0, value))
  return (record) => record.put(encoded)
}
