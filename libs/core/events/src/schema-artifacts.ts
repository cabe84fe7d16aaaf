import type { SchemaArtifact } from './avro/event-codec'
import { SCHEMA_ARTIFACTS } from './generated/schema-artifacts'

/** Every schema that this code reads and writes, by content, raw events first: what the ledger keeps so that it can be read without this code. */
export function schemaArtifacts(): readonly SchemaArtifact[] {
  return SCHEMA_ARTIFACTS
}
