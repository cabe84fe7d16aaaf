import type { AvroReader } from './avro-reader'
import type { AvroWriter } from './avro-writer'

/** Reads an array of at most `maxItems` items. */
export function readList<Item>(
  reader: AvroReader,
  field: string,
  maxItems: number,
  readItem: (reader: AvroReader) => Item,
): readonly Item[] {
  const items: Item[] = []
  for (let count = reader.block(field, 0, maxItems); count > 0; count = reader.block(field, items.length, maxItems)) {
    for (let i = 0; i < count && reader.failure === null; i++) items.push(readItem(reader))
  }
  return items
}

/** Reads a map of at most `maxItems` items into an object without prototype; a name that comes twice is a failure. */
export function readMap<Item>(
  reader: AvroReader,
  field: string,
  maxItems: number,
  readItem: (reader: AvroReader) => Item,
): Readonly<Record<string, Item>> {
  const items = Object.create(null) as Record<string, Item>
  let seen = 0
  for (let count = reader.block(field, 0, maxItems); count > 0; count = reader.block(field, seen, maxItems)) {
    for (let i = 0; i < count && reader.failure === null; i++) {
      const name = reader.token(field, 128, true)
      if (name === '__proto__') reader.fail('hostile-id', `${field} holds the name __proto__, which no map may hold`)
      else if (name in items) reader.fail('invalid-value', `${field} holds the name ${JSON.stringify(name)} twice`)
      items[name] = readItem(reader)
      seen++
    }
  }
  return items
}

/** Writes an array as one block. */
export function writeList<Item>(
  writer: AvroWriter,
  field: string,
  items: readonly Item[],
  options: { readonly maxItems: number; readonly writeItem: (writer: AvroWriter, item: Item) => void },
): void {
  writer.block(field, items.length, options.maxItems)
  for (const item of items) options.writeItem(writer, item)
  writer.blockEnd()
}

/** Writes a map as one block, in the order of the object's own names. */
export function writeMap<Item>(
  writer: AvroWriter,
  field: string,
  items: Readonly<Record<string, Item>>,
  options: { readonly maxItems: number; readonly writeItem: (writer: AvroWriter, item: Item) => void },
): void {
  const names = Object.keys(items)
  writer.block(field, names.length, options.maxItems)
  for (const name of names) {
    if (name === '__proto__') writer.reject(field, 'holds the name __proto__, which no map may hold')
    writer.token(field, name, 128)
    options.writeItem(writer, items[name])
  }
  writer.blockEnd()
}
