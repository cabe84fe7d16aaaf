/**
 * Teaches `require` TypeScript: `node --require @riskledger/runtime/register.cjs file.ts`. It is how the product, its threads and its benchmarks
 * run from source; bundles do not need it.
 *
 * It is used in place of tsx where speed counts. tsx has esbuild keep the names of functions, which costs a call of Object.defineProperty for every
 * closure that is made: 0.4 µs each, measured, more than a whole window. swc, the same transform as in the tests, leaves closures alone.
 * Types are stripped file by file, about 1 ms each; stack traces point at the source.
 */
const { transformSync } = require('@swc/core')
const { readFileSync } = require('node:fs')
const Module = require('node:module')

const options = {
  swcrc: false,
  configFile: false,
  sourceMaps: 'inline',
  inlineSourcesContent: false,
  jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  module: { type: 'commonjs' },
}

process.setSourceMapsEnabled(true)

Module._extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), { ...options, filename })
  module._compile(code, filename)
}
