import { createHash } from 'node:crypto'
import { Lexer, LineCounter, isAlias, isNode, parseDocument, visit, type Document } from 'yaml'
import type * as z from 'zod'
import { closestName } from '@riskledger/contracts'
import { knownFields } from './known-fields'
import { newPolicySchema, policySchema, type Policy } from './policy-schema'

/** Why a policy was refused, and where. */
export interface PolicyProblem {
  /** From 1; 0 where the bytes have no lines (canonical JSON). */
  readonly line: number
  readonly column: number
  /** Such as `bands.payments.hold` or `combinations[2].points`; empty for the document as a whole. */
  readonly path: string
  /** What is wrong and what is allowed. */
  readonly message: string
}

/** A policy with the bytes that are hashed and stored. */
export interface AcceptedPolicy {
  readonly kind: 'accepted'
  readonly policy: Policy
  /** Canonical JSON in UTF-8: fields in schema order, no spaces, whole numbers only. */
  readonly canonicalBytes: Uint8Array
  /** SHA-256 of `canonicalBytes`, 64 hexadecimal digits. */
  readonly hash: string
}

/** A policy that cannot be used. */
export interface RejectedPolicy {
  readonly kind: 'rejected'
  /** At least one, in the order of the document. */
  readonly problems: readonly PolicyProblem[]
}

/** Largest policy document that is read, in UTF-16 code units: the default one takes a third. */
export const MAX_POLICY_LENGTH = 32_768
/** Most tokens, three times those of the default one: composing takes time by their square. */
const MAX_TOKENS = 10_000

/**
 * Reads a policy document (YAML 1.2). Comments and layout do not change its hash. Anchors and aliases are refused, as are unknown and
 * duplicate keys and numbers that are not whole. Never throws: every problem names line, column, field and what is allowed. Where the text is no YAML,
 * the first place is the cause, and what follows from it is counted in its message.
 */
export function parsePolicy(yamlText: string): AcceptedPolicy | RejectedPolicy {
  if (yamlText.length > MAX_POLICY_LENGTH) {
    return rejected([
      { line: 1, column: 1, path: '', message: `the document has ${yamlText.length} characters; allowed: at most ${MAX_POLICY_LENGTH}` },
    ])
  }
  const crowdedAt = tokenBeyondMost(yamlText)
  const lineCounter = new LineCounter()
  if (crowdedAt >= 0) {
    const line = yamlText.slice(0, crowdedAt).split('\n').length
    return rejected([
      { line, column: 1, path: '', message: `the document has more than ${MAX_TOKENS} tokens up to here; allowed: at most ${MAX_TOKENS}` },
    ])
  }
  const document = parseDocument(yamlText, { lineCounter, uniqueKeys: true, version: '1.2', merge: false })
  const version = document.directives?.yaml.version ?? '1.2'
  if (version !== '1.2') {
    const { line, col } = lineCounter.linePos(Math.max(0, yamlText.search(/^%YAML/m)))
    return rejected([
      { line, column: col, path: '', message: `the document is YAML ${version}; allowed: YAML 1.2, the %YAML line may be left out` },
    ])
  }
  const syntax = syntaxProblems(document, lineCounter)
  if (syntax.length > 0) return rejected(syntax)
  const shared = sharedNodeAt(document)
  if (shared >= 0) {
    const { line, col } = lineCounter.linePos(shared)
    return rejected([{ line, column: col, path: '', message: 'has an anchor or alias; allowed: every value written out' }])
  }
  const checked = newPolicySchema.safeParse(document.toJS(), { reportInput: true })
  if (checked.success) return accepted(checked.data)
  const problems = checked.error.issues
    .flatMap((issue) => problemsOf(issue))
    .map(({ path, message }) => {
      const { line, column } = placeOf(document, path, lineCounter)
      return { line, column, path: pathText(path), message }
    })
  return rejected(problems.sort((a, b) => a.line - b.line || a.column - b.column))
}

/** Reads back the canonical bytes of a policy. Refuses bytes that are not exactly what `parsePolicy` would have stored. Never throws. */
export function readPolicy(canonicalBytes: Uint8Array): AcceptedPolicy | RejectedPolicy {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(canonicalBytes))
  } catch (error) {
    return rejected([
      { line: 0, column: 0, path: '', message: `is no JSON in UTF-8 (${(error as Error).message}); allowed: a policy's canonical JSON` },
    ])
  }
  const checked = policySchema.safeParse(json, { reportInput: true })
  if (!checked.success) {
    const problems = checked.error.issues.flatMap((issue) => problemsOf(issue))
    return rejected(problems.map(({ path, message }) => ({ line: 0, column: 0, path: pathText(path), message })))
  }
  const result = accepted(checked.data)
  if (Buffer.compare(result.canonicalBytes, canonicalBytes) === 0) return result
  return rejected([{ line: 0, column: 0, path: '', message: 'is not in canonical form; allowed: fields in schema order, no spaces' }])
}

function accepted(policy: Policy): AcceptedPolicy {
  const canonicalBytes = new TextEncoder().encode(JSON.stringify(policy))
  return { kind: 'accepted', policy, canonicalBytes, hash: createHash('sha256').update(canonicalBytes).digest('hex') }
}

function rejected(problems: readonly PolicyProblem[]): RejectedPolicy {
  return { kind: 'rejected', problems }
}

/** Keys that are given twice are told one by one; anything else is told at its first place, since the rest may follow from it. */
function syntaxProblems(document: Document, lineCounter: LineCounter): readonly PolicyProblem[] {
  const errors = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])
  const cause = errors.find((error) => error.code !== 'DUPLICATE_KEY')
  const told = cause === undefined ? errors : [cause]
  const more = errors.length - told.length
  const following = more === 0 ? '' : ` (${more} more ${more === 1 ? 'problem follows' : 'problems follow'} from it)`
  return told.map(({ code, message, pos }) => {
    const { line, col } = lineCounter.linePos(pos[0])
    // The parser hands on what the engine says once its stack is full.
    if (message.startsWith('Maximum call stack'))
      return { line, column: col, path: '', message: 'is nested too deeply; allowed: as a policy is' }
    const text = code === 'MULTIPLE_DOCS' ? 'A second document begins here' : message.split('\n')[0].replace(/ at line .*$/, '')
    return { line, column: col, path: '', message: `${text}; allowed: one YAML 1.2 document without duplicate keys${following}` }
  })
}

type Path = readonly PropertyKey[]

function problemsOf(issue: z.core.$ZodIssue): readonly { readonly path: Path; readonly message: string }[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(issue.path)
    return issue.keys.map((key) => {
      const meant = closestName(key, known)
      return {
        path: [...issue.path, key],
        message: `"${key}" is no field here; ${meant === null ? `allowed: ${known.join(', ')}` : `did you mean "${meant}"?`}`,
      }
    })
  }
  return [{ path: issue.path, message: messageOf(issue) }]
}

const expectedNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a whole number',
  object: 'a group of fields',
  array: 'a list',
  tuple: 'a pair [from, points]',
  string: 'a text',
  boolean: 'true or false',
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'too_small':
      return issue.origin === 'array'
        ? `has too few entries; allowed: at least ${issue.minimum}`
        : `is too small; allowed: ${issue.minimum} or more`
    case 'too_big':
      return issue.origin === 'array'
        ? `has too many entries; allowed: at most ${issue.maximum}`
        : `is too large; allowed: ${issue.maximum} or less`
    case 'invalid_type':
      return `${issue.path.length === 0 ? 'the document ' : ''}${spelledInput(issue.input)}; allowed: ${expectedNames[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `is not known; allowed: ${issue.values.map(String).join(', ')}`
    default:
      return issue.message
  }
}

/** What stands where something of another type should. */
function spelledInput(input: unknown): string {
  if (input === undefined) return 'is missing'
  if (input === null) return 'is empty'
  if (Array.isArray(input)) return 'is a list'
  switch (typeof input) {
    case 'string':
      return `is the text ${JSON.stringify(input.length > 40 ? `${input.slice(0, 40)}…` : input)}`
    case 'number':
    case 'bigint':
      return `is the number ${input}`
    case 'boolean':
      return `is ${input}`
    default:
      return 'is a group of fields'
  }
}

/** Where the first token beyond the most begins, -1 where there are not so many. */
function tokenBeyondMost(yamlText: string): number {
  let count = 0
  let at = 0
  for (const token of new Lexer().lex(yamlText)) {
    if (++count > MAX_TOKENS) return Math.min(at, yamlText.length)
    // Marks of the lexer, such as that a value begins, are none of the text.
    if (yamlText.startsWith(token, at)) at += token.length
  }
  return -1
}

/** Where the first anchor or alias stands, -1 without one. */
function sharedNodeAt(document: Document): number {
  let at = -1
  visit(document, (_key, node) => {
    if (!isNode(node) || !(isAlias(node) || ('anchor' in node && node.anchor !== undefined))) return undefined
    at = node.range?.[0] ?? 0
    return visit.BREAK
  })
  return at
}

function placeOf(document: Document, path: Path, lineCounter: LineCounter): { line: number; column: number } {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (!isNode(node) || !node.range) continue
    const { line, col } = lineCounter.linePos(node.range[0])
    return { line, column: col }
  }
  return { line: 1, column: 1 }
}

function pathText(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`),
    '',
  )
}
