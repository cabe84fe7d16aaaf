import { AST_NODE_TYPES, ESLintUtils, type TSESLint, type TSESTree } from '@typescript-eslint/utils'
import { builtinModules } from 'node:module'

/** Exact in every engine: correctly rounded, or integers. All other members of `Math` may differ in the last bit, or are random. */
const EXACT_MATH = new Set(
  'abs ceil clz32 floor fround imul max min round sign sqrt trunc E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2'.split(' '),
)

const IMPURE_GLOBALS: Readonly<Record<string, string>> = {
  performance: 'reads a clock',
  setTimeout: 'is a timer',
  setInterval: 'is a timer',
  setImmediate: 'is a timer',
  queueMicrotask: 'schedules',
  MessageChannel: 'schedules',
  BroadcastChannel: 'schedules',
  AbortSignal: 'has a timer',
  Event: 'reads a clock',
  CustomEvent: 'reads a clock',
  File: 'reads a clock',
  Temporal: 'reads a clock',
  PerformanceObserver: 'reads a clock',
  navigator: 'is the machine that it runs on',
  WebSocket: 'is the network',
  EventSource: 'is the network',
  process: 'is the world outside',
  fetch: 'is the network',
  crypto: 'is random',
  console: 'is I/O',
  require: 'loads at run time',
  globalThis: 'reaches everything that is banned',
  global: 'reaches everything that is banned',
  eval: 'runs what is not checked',
  Function: 'runs what is not checked',
  Intl: 'differs between engines and machines',
  WeakRef: 'depends on garbage collection',
  FinalizationRegistry: 'depends on garbage collection',
}

const IMPURE_MEMBERS = new Set([
  ...'toDateString toTimeString localeCompare toLocaleString toLocaleDateString toLocaleTimeString toLocaleUpperCase toLocaleLowerCase'.split(
    ' ',
  ),
  ...'getHours getMinutes getDate getDay getMonth getFullYear getYear getTimezoneOffset'.split(' '),
  ...'setHours setMinutes setDate setMonth setFullYear'.split(' '),
])

/** Node modules that are pure where their random parts are left out, with the names that are not. */
const PURE_NODE_MODULES: Readonly<Record<string, RegExp | null>> = {
  assert: null,
  buffer: null,
  crypto: /^(random|generate|getRandom|webcrypto|subtle|default$|\*$|sign$|createSign|createECDH|createDiffieHellman|publicEncrypt|prime)/,
  zlib: /^(?!constants$|\w+Sync$)/,
  util: /^(inspect|debuglog|debug|promisify|aborted|default$|\*$)/,
}

/** Packages that core may stand on, with the names in them that read a clock. */
const PURE_PACKAGES: readonly { readonly name: RegExp; readonly impure: RegExp | null }[] = [
  {
    name: /^rxjs(\/|$)/,
    impure:
      /^(\*|default|interval|timer|ajax|fromFetch|webSocket|delay|delayWhen|\w*Time|timeout\w*|timestamp|timeInterval|(async|asap|animationFrame)(Scheduler)?|animationFrames)$/,
  },
  { name: /^rxjs\/(ajax|fetch|webSocket)$/, impure: /./ },
  { name: /^@stdlib\/math-base-special-/, impure: null },
  { name: /^(yaml|zod|avsc)$/, impure: null },
  { name: /^@riskledger\//, impure: null },
]

const builtins = new Set(builtinModules)

type MessageId = 'math' | 'date' | 'global' | 'power' | 'member' | 'module' | 'name'
/** A module by the text that names it, which is where a problem with it stands. */
interface NamedModule {
  readonly node: TSESTree.Node
  readonly name: string
}

type Context = Readonly<TSESLint.RuleContext<MessageId, []>>

/**
 * Keeps core a function of its inputs: no clock, randomness, I/O, timers, locale, or arithmetic that differs between engines.
 * It lists what is allowed rather than what is not wherever the list is closed (`Math`, `Date`, modules), so that a new name is banned until
 * somebody has thought about it. It follows plain references, not deliberate disguises; the fold test finds those.
 */
export const deterministicCore = ESLintUtils.RuleCreator.withoutDocs<[], MessageId>({
  meta: {
    type: 'problem',
    schema: [],
    defaultOptions: [],
    messages: {
      math: 'Math.{{name}} may differ between engines or is random. Core uses integers, + - * / and Math.sqrt; for exp and the like @stdlib/math-base-special-*.',
      date: 'Core has no clock and no time zone: use the event time or the tick. Of Date only Date.UTC(...) and new Date(milliseconds) are allowed.',
      global: '{{name}} {{why}}; core is data in, data out. Take what you need as a parameter.',
      power: '** may differ between engines. Multiply, shift, or use a table.',
      member: '.{{name}} depends on locale or time zone. Compare with < and >, and use the UTC methods.',
      module: 'Core may not import {{name}}: it takes what is outside as a parameter, through a port in @riskledger/contracts.',
      name: '{{name}} of {{module}} reads a clock, is random or prints, so core may not import it or pass it on. Import what is pure by its name.',
    },
  },
  create(context) {
    return {
      'Program:exit'(program) {
        checkGlobals(context, context.sourceCode.getScope(program))
      },
      'BinaryExpression[operator="**"], AssignmentExpression[operator="**="]'(node: TSESTree.Node) {
        context.report({ node, messageId: 'power' })
      },
      MemberExpression(node) {
        const name = memberName(node)
        if (name !== undefined && (IMPURE_MEMBERS.has(name) || (name === 'toString' && isDate(context, node.object))))
          context.report({ node: node.property, messageId: 'member', data: { name } })
      },
      ImportDeclaration: (node) => checkImport(context, node),
      ExportNamedDeclaration: (node) => checkExport(context, node),
      ExportAllDeclaration: (node) => node.exportKind !== 'type' && checkWhole(context, node.source),
      ImportExpression: (node) => checkWhole(context, node.source),
      TSImportEqualsDeclaration(node) {
        if (node.moduleReference.type !== AST_NODE_TYPES.TSExternalModuleReference) return
        checkWhole(context, node.moduleReference.expression)
      },
    }
  },
})

/** Every use of a global as a value: those that resolve to nothing in the file, however deep they stand. */
function checkGlobals(context: Context, globalScope: TSESLint.Scope.Scope): void {
  const unresolved = globalScope.through
  const declared = globalScope.variables.filter((variable) => variable.defs.length === 0).flatMap((variable) => variable.references)
  for (const reference of new Set([...unresolved, ...declared])) {
    const node = reference.identifier
    if (node.type !== AST_NODE_TYPES.Identifier || reference.isTypeReference || node.parent.type === AST_NODE_TYPES.TSTypeQuery) continue
    if (node.name === 'Math') checkMath(context, node)
    else if (node.name === 'Date') checkDate(context, node)
    else if (Object.hasOwn(IMPURE_GLOBALS, node.name)) {
      context.report({ node, messageId: 'global', data: { name: node.name, why: IMPURE_GLOBALS[node.name] } })
    }
  }
}

function checkMath(context: Context, node: TSESTree.Identifier): void {
  const { parent } = node
  const name = parent.type === AST_NODE_TYPES.MemberExpression && parent.object === node ? memberName(parent) : undefined
  if (name === undefined || !EXACT_MATH.has(name)) context.report({ node, messageId: 'math', data: { name: name ?? '(any)' } })
}

function checkDate(context: Context, node: TSESTree.Identifier): void {
  const { parent } = node
  if (parent.type === AST_NODE_TYPES.NewExpression && parent.callee === node && isOneMoment(parent.arguments)) return
  if (parent.type === AST_NODE_TYPES.MemberExpression && parent.object === node && memberName(parent) === 'UTC') return
  if (parent.type === AST_NODE_TYPES.BinaryExpression && parent.operator === 'instanceof') return
  context.report({ node, messageId: 'date' })
}

/** One argument that is no text: `new Date(y, m, d)` and a text without zone are read in local time. */
function isOneMoment(args: readonly TSESTree.CallExpressionArgument[]): boolean {
  const [first] = args
  return args.length === 1 && first !== undefined && first.type !== AST_NODE_TYPES.SpreadElement && literalText(first) === undefined
}

function checkImport(context: Context, node: TSESTree.ImportDeclaration): void {
  if (node.importKind === 'type') return
  const names = node.specifiers.map((specifier) => ({ node: specifier, name: importedName(specifier) }))
  checkNames(context, { node: node.source, name: node.source.value }, names)
}

function checkExport(context: Context, node: TSESTree.ExportNamedDeclaration): void {
  if (node.source === null || node.exportKind === 'type') return
  const names = node.specifiers.map((specifier) => ({ node: specifier, name: nameOf(specifier.local) }))
  checkNames(context, { node: node.source, name: node.source.value }, names)
}

/** All of a module at once, under no names or under one. */
function checkWhole(context: Context, source: TSESTree.Node): void {
  checkNames(context, { node: source, name: literalText(source) ?? 'what is computed' }, [{ node: source, name: '*' }])
}

/** Reports a module that core may not import, or else the names in it that core may not use. */
function checkNames(
  context: Context,
  module: NamedModule,
  names: readonly { readonly node: TSESTree.Node; readonly name: string }[],
): void {
  const impure = checkModule(context, module)
  if (impure === null) return
  for (const { node, name } of names)
    if (impure.test(name)) context.report({ node, messageId: 'name', data: { name, module: module.name } })
}

function importedName(specifier: TSESTree.ImportClause): string {
  if (specifier.type === AST_NODE_TYPES.ImportDefaultSpecifier) return 'default'
  if (specifier.type === AST_NODE_TYPES.ImportNamespaceSpecifier) return '*'
  return nameOf(specifier.imported)
}

function nameOf(node: TSESTree.Identifier | TSESTree.StringLiteral): string {
  return node.type === AST_NODE_TYPES.Identifier ? node.name : node.value
}

/** Reports a module that core may not import; otherwise gives the pattern of the names in it that core may not use. */
function checkModule(context: Context, { node, name }: NamedModule): RegExp | null {
  if (name.startsWith('.')) return null
  const bare = name.replace(/^node:/, '')
  if (Object.hasOwn(PURE_NODE_MODULES, bare)) return PURE_NODE_MODULES[bare] ?? null
  const known = builtins.has(bare) ? [] : PURE_PACKAGES.filter((candidate) => candidate.name.test(name))
  const last = known.at(-1)
  if (last === undefined || last.impure?.source === '.') {
    context.report({ node, messageId: 'module', data: { name } })
    return null
  }
  return last.impure
}

/** True for what is a date by its type, where the linter knows types, and else for one that is made on the spot. */
function isDate(context: Context, node: TSESTree.Expression): boolean {
  if (node.type === AST_NODE_TYPES.NewExpression && node.callee.type === AST_NODE_TYPES.Identifier) return node.callee.name === 'Date'
  const services = ESLintUtils.getParserServices(context, true)
  if (services.program === null) return false
  const type = services.getTypeAtLocation(node)
  return (type.isUnion() ? type.types : [type]).some((part) => part.getSymbol()?.name === 'Date')
}

function memberName(node: TSESTree.MemberExpression): string | undefined {
  if (!node.computed) return node.property.type === AST_NODE_TYPES.Identifier ? node.property.name : undefined
  return literalText(node.property)
}

function literalText(node: TSESTree.Node): string | undefined {
  if (node.type === AST_NODE_TYPES.Literal && typeof node.value === 'string') return node.value
  if (node.type === AST_NODE_TYPES.TemplateLiteral && node.expressions.length === 0) return node.quasis[0]?.value.cooked ?? undefined
  return undefined
}
