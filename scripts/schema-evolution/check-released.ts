import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AvroSchema } from '../../libs/core/events/src/avro/parsing-canonical-form'
import { growthProblems } from './growth-problems'

/**
 * Compares every schema under `folder` with every released version of it, which stand in `released/<version>/` there. One problem a line: the file, the
 * version, the field. Throws where nothing was ever released: then the check would find nothing, whatever stood there.
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
      for (const problem of growthProblems(released, read(file))) problems.push(`${path}, against ${version}: ${problem}`)
    }
  }
  if (compared === 0) throw new Error(`${join(folder, 'released')} holds no schemas`)
  return problems
}

function schemasIn(folder: string): readonly string[] {
  return (readdirSync(folder, { recursive: true }) as string[]).filter((path) => path.endsWith('.avsc')).sort()
}

function read(file: string): AvroSchema {
  return JSON.parse(readFileSync(file, 'utf8')) as AvroSchema
}
