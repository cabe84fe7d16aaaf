/**
 * Built-ins that code under test reaches as fast as outside of Jest, where each look at a global of the sandbox is a call into C++: folds of a journal took four
 * times as long. No name that a module or a package declares itself, which would be a syntax error.
 */
const FAST_GLOBALS = [
  'Array ArrayBuffer BigInt BigInt64Array BigUint64Array DataView Error Float64Array Int32Array JSON Map',
  'Math Number Object Promise RangeError Set String Symbol Uint16Array Uint32Array Uint8Array',
].flatMap((names) => names.split(' '))

/** One root configuration; `scripts/test.mjs` chooses the suites by file name. */
module.exports = {
  testEnvironment: 'node',
  rootDir: __dirname,
  roots: ['<rootDir>/libs', '<rootDir>/services', '<rootDir>/bench', '<rootDir>/e2e', '<rootDir>/scripts'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' }, sourceMaps: 'inline' },
    ],
  },
  sandboxInjectedGlobals: FAST_GLOBALS,
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/'],
  maxWorkers: 2,
  testSequencer: '<rootDir>/scripts/longest-first.cjs',
  /** Generous: a shared machine may stall; a test that needs it is too slow all the same. */
  testTimeout: 60_000,
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
}
