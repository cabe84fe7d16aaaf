import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { parsingCanonicalForm, type AvroSchema } from '../../libs/core/events/src/avro/parsing-canonical-form'
import { growthProblems } from './growth-problems'

/**
 * Compares every schema under `folder` with every released version of it, which stand in `released/<version>/` there. One problem a line: the file, the
 * version, the field. What the ledger stores in Avro does not even grow. Throws where nothing was ever released: then the check would find nothing, whatever stood there.
 */
export function checkReleased(folder: string): readonly string[] {
  const problems: string[] = []
  let compared = 0
  for (const version of readdirSync(join(folder, 'released')).sort()) {
    for (const path of schemasIn(join(folder, 'released', version))) {
      compared++
      const file = join(folder, path)
      if (!existsSync(file)) {
        problems.push(`${path}: was released in ${version} and is gone; nothing is removed or renamed`)
        continue
      }
      const released = read(join(folder, 'released', version, path))
      const current = read(file)
      for (const problem of [...storedProblems(path, { released, current }), ...growthProblems(released, current)])
        problems.push(`${path}, against ${version}: ${problem}`)
    }
  }
  if (compared === 0) throw new Error(`${join(folder, 'released')} holds no schemas`)
  return problems
}

/** The ledger's decoder knows one fingerprint of each of its Avro schemas, that of today: entries of any other could not be read again. */
function storedProblems(
  path: string,
  { released, current }: { readonly released: AvroSchema; readonly current: AvroSchema },
): readonly string[] {
  const isStoredAvro = path.startsWith(`ledger${sep}`) && (released as Readonly<Record<string, unknown>>)['encoding'] === 'avro'
  if (!isStoredAvro || parsingCanonicalForm(released) === parsingCanonicalForm(current)) return []
  return [
    'is stored in Avro and is another schema now; entries of the released one could not be read. Give what is new an event of its own',
  ]
}

function schemasIn(folder: string): readonly string[] {
  return (readdirSync(folder, { recursive: true }) as string[]).filter((path) => path.endsWith('.avsc')).sort()
}

function read(file: string): AvroSchema {
  return JSON.parse(readFileSync(file, 'utf8')) as AvroSchema
}
