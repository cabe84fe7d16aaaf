/** Exits 1 if a schema is no grown version of one that was released, naming file and field. */
import { join } from 'node:path'
import { checkReleased } from './schema-evolution/check-released'

const problems = checkReleased(join(__dirname, '..', 'schemas'))
if (problems.length > 0) {
  process.stderr.write(
    `Schemas only grow: new fields with defaults, new symbols of enums that have a default. These do not:\n${problems.map((line) => `  ${line}\n`).join('')}`,
  )
  process.exitCode = 1
}
