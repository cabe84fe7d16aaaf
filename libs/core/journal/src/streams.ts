/** Names of the ledger's streams. The environment prefix is fixed in a partition's first entry; default none. */

/** `screening-<ppp>.<nnnn>`: partition in three digits, segment in four. */
export function screeningStream(partition: number, segment: number, environment = ''): string {
  return `${environment}screening-${String(partition).padStart(3, '0')}.${String(segment).padStart(4, '0')}`
}

/** `relations-<ppp>`. */
export function relationsStream(partition: number, environment = ''): string {
  return `${environment}relations-${String(partition).padStart(3, '0')}`
}

/** `artifact-<sha256>`. */
export function artifactStream(sha256Hex: string, environment = ''): string {
  return `${environment}artifact-${sha256Hex}`
}

/** The registry of journals: a deleted journal is never silently reborn. */
export function partitionsStream(environment = ''): string {
  return `${environment}partitions`
}

/** The requests to put a policy into force, which running screeners follow. */
export function policiesStream(environment = ''): string {
  return `${environment}policies`
}

/** Partition and segment of a screening stream's name, or null for any other name. */
export function parseScreeningStream(stream: string): { readonly partition: number; readonly segment: number } | null {
  const match = /screening-(\d{3})\.(\d{4})$/.exec(stream)
  return match === null ? null : { partition: Number(match[1]), segment: Number(match[2]) }
}
