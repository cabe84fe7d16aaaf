import { Linter } from 'eslint'
import tseslint from 'typescript-eslint'
import { deterministicCore } from './deterministic-core'

/** The rule's message ids for a snippet, with parse errors as failures. */
function findings(code: string): string[] {
  const linter = new Linter({ configType: 'flat' })
  const messages = linter.verify(
    code,
    [
      {
        files: ['**/*.ts'],
        languageOptions: { parser: tseslint.parser },
        plugins: { riskledger: { rules: { 'deterministic-core': deterministicCore as never } } },
        rules: { 'riskledger/deterministic-core': 'error' },
      },
    ],
    'snippet.ts',
  )
  return messages.map((message) => {
    if (message.ruleId !== 'riskledger/deterministic-core') throw new Error(message.message)
    return message.messageId ?? ''
  })
}

describe('deterministic-core bites', () => {
  const inexact = 'exp log log2 log10 log1p pow sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh cbrt expm1 hypot random'
  test.each(inexact.split(' '))('Math.%s', (name) => {
    expect(findings(`export const x = Math.${name}(1, 2)`)).toEqual(['math'])
    expect(findings(`export const x = Math['${name}'](1, 2)`)).toEqual(['math'])
  })

  test.each([
    ['const { exp } = Math', 'math'],
    ['const m = Math', 'math'],
    ['function f(name: keyof Math) { return Math[name] }', 'math'],
    ['const t = Date.now()', 'date'],
    ["const t = Date['now']()", 'date'],
    ['const now = Date.now', 'date'],
    ['const { now } = Date', 'date'],
    ['const D = Date', 'date'],
    ['const t = new Date()', 'date'],
    ['const t = Date()', 'date'],
    ['const t = new Date(2020, 1, 1)', 'date'],
    ["const t = new Date('2020-01-01T00:00')", 'date'],
    ["const t = Date.parse('2020-01-01T00:00')", 'date'],
    ['const t = performance.now()', 'global'],
    ['setTimeout(() => undefined, 1)', 'global'],
    ['setInterval(() => undefined, 1)', 'global'],
    ['setImmediate(() => undefined)', 'global'],
    ['queueMicrotask(() => undefined)', 'global'],
    ['const t = process.hrtime()', 'global'],
    ['const id = crypto.randomUUID()', 'global'],
    ["fetch('x')", 'global'],
    ["console.log('x')", 'global'],
    ["const fs = require('node:fs')", 'global'],
    ['const t = globalThis.Date.now()', 'global'],
    ["const c = new Intl.Collator('en')", 'global'],
    ["eval('1')", 'global'],
    ['const x = 2 ** 3', 'power'],
    ['let x = 2; x **= 3', 'power'],
    ["const c = 'a'.localeCompare('b')", 'member'],
    ["const c = 'a'['localeCompare']('b')", 'member'],
    ['const c = (1).toLocaleString()', 'member'],
    ['const h = (d: Date) => d.getHours()', 'member'],
    ['const s = (ms: number) => new Date(ms).toString()', 'member'],
    ['const s = (d: Date) => d.toDateString() ', 'member'],
    ['const s = (d: Date) => d.toTimeString() ', 'member'],
    ['const s = AbortSignal.timeout(5)', 'global'],
    ['const c = new MessageChannel()', 'global'],
    ['const l = navigator.language', 'global'],
    ["const t = new Event('x').timeStamp", 'global'],
    ["const t = new File([], 'x').lastModified", 'global'],
  ])('%s', (code, messageId) => {
    expect(findings(code)).toEqual([messageId])
  })

  const modules = [
    ...'node:fs fs node:fs/promises fs/promises node:net node:http node:https node:http2 node:dgram node:dns node:tls node:os'.split(' '),
    ...'node:child_process node:worker_threads node:timers node:timers/promises node:perf_hooks node:process node:stream'.split(' '),
    ...'@eventstore/db-client lmdb kafkajs @grpc/grpc-js pino prom-client csv-parse commander uuid rxjs/ajax rxjs/fetch'.split(' '),
  ]
  test.each(modules)('an import of %s', (name) => {
    expect(findings(`import x from '${name}'`)).toEqual(['module'])
    expect(findings(`export * from '${name}'`)).toEqual(['module'])
    expect(findings(`export { x } from '${name}'`)).toEqual(['module'])
    expect(findings(`export const x = import('${name}')`)).toEqual(['module'])
    expect(findings(`import x = require('${name}')`)).toEqual(['module'])
  })

  test.each([
    ['randomUUID', 'node:crypto'],
    ['randomBytes', 'crypto'],
    ['randomInt', 'node:crypto'],
    ['generateKeyPairSync', 'node:crypto'],
    ['webcrypto', 'node:crypto'],
    ['inspect', 'node:util'],
    ['createDeflateRaw', 'node:zlib'],
    ['deflateRaw', 'node:zlib'],
    ['interval', 'rxjs'],
    ['timer', 'rxjs'],
    ['asyncScheduler', 'rxjs'],
    ['debounceTime', 'rxjs'],
    ['bufferTime', 'rxjs/operators'],
    ['delay', 'rxjs'],
    ['timestamp', 'rxjs'],
  ])('an import of %s from %s', (name, module) => {
    expect(findings(`import { ${name} as innocent } from '${module}'`)).toEqual(['name'])
    expect(findings(`export { ${name} as innocent } from '${module}'`)).toEqual(['name'])
  })

  test.each(['node:crypto', 'node:zlib', 'node:util', 'rxjs', 'rxjs/operators'])('all of %s, which is impure in parts', (module) => {
    expect(findings(`import whole from '${module}'`)).toEqual(['name'])
    expect(findings(`import * as whole from '${module}'`)).toEqual(['name'])
    expect(findings(`import whole = require('${module}')`)).toEqual(['name'])
    expect(findings(`export * from '${module}'`)).toEqual(['name'])
    expect(findings(`export * as whole from '${module}'`)).toEqual(['name'])
    expect(findings(`export { default } from '${module}'`)).toEqual(['name'])
    expect(findings(`export const whole = async () => await import('${module}')`)).toEqual(['name'])
  })

  test('however deep it stands', () => {
    expect(findings('export class A { f = () => [1].map((x) => { if (x) { return Math.exp(x) } return Date.now() }) }')).toEqual([
      'math',
      'date',
    ])
  })
})

describe('deterministic-core lets through', () => {
  test.each([
    'const x = Math.sqrt(2) + Math.floor(1.5) + Math.imul(2, 3) + Math.max(1, 2) + Math.PI',
    'const t = Date.UTC(2020, 1, 1)',
    'const iso = (ms: number) => new Date(ms).toISOString()',
    'const h = (ms: number) => new Date(ms).getUTCHours()',
    'const isDate = (x: unknown) => x instanceof Date',
    'type Clock = typeof Date; type Timer = ReturnType<typeof setTimeout>; const d = (x: Date) => x',
    'const f = (Math: { exp(x: number): number }) => Math.exp(1)',
    'const f = (performance: { now(): number }) => performance.now()',
    "import { createHash, hash, createHmac } from 'node:crypto'",
    "import { deflateRawSync, constants } from 'node:zlib'",
    "import assert from 'node:assert'",
    "import { map, scan, Observable } from 'rxjs'",
    "import exp from '@stdlib/math-base-special-exp'",
    "import type { EventStoreDBClient } from '@eventstore/db-client'",
    "import { RiskError } from '@riskledger/contracts'",
    "import { rings } from './rings'",
    "export { createHash } from 'node:crypto'",
    "export type { Scheduler } from 'rxjs'",
    "export type * from 'rxjs'",
    "export * from '@riskledger/contracts'",
    "export * from './rings'",
    'const s = (n: number) => n.toString()',
    'const f = (signal: AbortSignal, event: Event) => [signal, event]',
    'const key = { process: 1, Date: 2 }.process',
  ])('%s', (code) => {
    expect(findings(code)).toEqual([])
  })
})
