// Preloaded into every process of a test run (see test.mjs): keeps what V8 makes of a script, so that the next process need not compile it again. The tests
// start some hundred processes and threads of the same bundle, and compiling it was a third of what each start took. Node 22 and later can do it themselves.
'use strict'
const { createHash } = require('node:crypto')
const { readFileSync, renameSync, writeFileSync } = require('node:fs')
const Module = require('node:module')
const { dirname, join } = require('node:path')
const { Script } = require('node:vm')
const { threadId } = require('node:worker_threads')

const folder = process.env.TEST_COMPILE_CACHE
const compile = Module.prototype._compile
/** Compiled here for the first time: kept at the end, when what they called has been compiled too. */
const made = []

if (folder !== undefined) {
  Module.prototype._compile = compileCached
  process.on('exit', keepMade)
}

function compileCached(content, filename, format) {
  // Sources keep their own way: Node reads their source maps there.
  if (!filename.endsWith('.js') && !filename.endsWith('.cjs')) return compile.call(this, content, filename, format)
  const file = join(folder, createHash('sha256').update(filename).update('\0').update(content).digest('hex'))
  const cachedData = readOptional(file)
  const isKept = cachedData === undefined ? !importsDynamically(content) : cachedData.length > 0
  if (!isKept) {
    if (cachedData === undefined) writeFileSync(file, '')
    return compile.call(this, content, filename, format)
  }
  const script = new Script(Module.wrap(content.replace(/^#!/, '//')), { filename, cachedData })
  if (cachedData === undefined || script.cachedDataRejected) made.push({ script, file })
  const run = script.runInThisContext()
  return run.call(this.exports, this.exports, requireOf(this), this, filename, dirname(filename))
}

/** Whether a script imports anything dynamically. What V8 kept of one no longer knows how, in Node 20, so those are compiled each time. */
function importsDynamically(content) {
  return content.includes('import(') && /^(?!\s*\/\/).*\bimport\(/m.test(content.replace(/\/\*[^]*?\*\//g, ''))
}

/** `require` as a module sees it. */
function requireOf(module) {
  const require = (id) => module.require(id)
  require.resolve = (request, options) => Module._resolveFilename(request, module, false, options)
  require.resolve.paths = (request) => Module._resolveLookupPaths(request, module)
  require.main = process.mainModule
  require.extensions = Module._extensions
  require.cache = Module._cache
  return require
}

function keepMade() {
  for (const { script, file } of made) {
    const draft = `${file}-${process.pid}-${threadId}`
    try {
      writeFileSync(draft, script.createCachedData())
      renameSync(draft, file)
    } catch (error) {
      // The run is over and its folder gone; there is nobody left to compile for.
      if (error.code !== 'ENOENT') throw error
    }
  }
}

function readOptional(file) {
  try {
    return readFileSync(file)
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
