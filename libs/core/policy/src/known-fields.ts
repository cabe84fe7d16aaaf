import * as z from 'zod'
import { policySchema } from './policy-schema'

/** The fields that a policy has at a path, as its schema lists them; none where no group of fields stands there. */
export function knownFields(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = policySchema
  for (const part of path) {
    if (schema instanceof z.ZodObject) schema = (schema.shape as Record<PropertyKey, unknown>)[part]
    else if (schema instanceof z.ZodArray) schema = schema.element
    else return []
    if (schema instanceof z.ZodOptional) schema = schema.unwrap()
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}
