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
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/'],
  maxWorkers: 2,
  testSequencer: '<rootDir>/scripts/longest-first.cjs',
  /** Generous: a shared machine may stall; a test that needs it is too slow all the same. */
  testTimeout: 60_000,
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
}
