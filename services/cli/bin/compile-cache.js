// Keeps what V8 makes of a script, so that the next process need not compile it again: half of what a process or a thread takes to start. Node 22.8 and
// later can do it themselves.
'use strict'
const { createHash } = require('node:crypto')
const { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } = require('node:fs')
const Module = require('node:module')
const { dirname, join } = require('node:path')
const { Script } = require('node:vm')
const { threadId } = require('node:worker_threads')
const { crc32 } = require('node:zlib')

/** A process that is killed keeps nothing, so what it compiled is kept once it has been at work for so long. */
const SAVE_AFTER_MS = 10_000
const CHECKSUM_BYTES = 4

/**
 * From here on keeps what is compiled in this thread in a folder, which is made if need be, and takes it from there. Where
 * the folder cannot be made or written to, scripts are compiled as always; nothing is thrown.
 *
 * @param {string} folder
 */
function enableCompileCache(folder) {
  if (Module.enableCompileCache !== undefined) {
    Module.enableCompileCache(folder)
    if (Module.flushCompileCache !== undefined) setTimeout(Module.flushCompileCache, SAVE_AFTER_MS).unref()
    return
  }
  // Not in every version before.
  if (crc32 === undefined) return
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    return passOver(error)
  }
  const compile = Module.prototype._compile
  /** Compiled here for the first time: kept later, when what they called has been compiled too. */
  const made = []
  Module.prototype._compile = function (content, filename, format) {
    // Sources keep their own way, since Node reads their source maps there, and so do modules that are not CommonJS.
    const isScript = format !== 'module' && (filename.endsWith('.js') || filename.endsWith('.cjs'))
    const run = isScript ? compileCached(content, { filename, folder, made }) : undefined
    if (run === undefined) return compile.call(this, content, filename, format)
    return run.call(this.exports, this.exports, requireOf(this), this, filename, dirname(filename))
  }
  setTimeout(saveMade, SAVE_AFTER_MS, made).unref()
  process.on('exit', () => saveMade(made))
}

/** The function that a script is, or undefined where what V8 made of it cannot be kept. */
function compileCached(content, { filename, folder, made }) {
  // By time and size: hashing all that is read took a tenth of a start.
  const stats = statSync(filename, { throwIfNoEntry: false })
  if (stats === undefined) return undefined
  const file = join(folder, createHash('sha256').update(`${filename}|${stats.mtimeMs}|${stats.size}`).digest('hex'))
  const cachedData = load(file)
  const isKept = cachedData === undefined ? !importsDynamically(content) : cachedData.length > 0
  if (!isKept) {
    if (cachedData === undefined) save(file, Buffer.alloc(0))
    return undefined
  }
  const script = new Script(Module.wrap(content.replace(/^#!/, '//')), { filename, cachedData })
  if (cachedData === undefined || script.cachedDataRejected) made.push({ script, file })
  return script.runInThisContext()
}

/** Whether a script imports anything dynamically. What V8 kept of one no longer knows how, in Node 20, so those are compiled each time. */
function importsDynamically(content) {
  return content.includes('import') && /^(?!\s*\/\/).*\bimport\s*\(/m.test(content.replace(/\/\*[^]*?\*\//g, ''))
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

function saveMade(made) {
  for (const { script, file } of made.splice(0)) save(file, script.createCachedData())
}

/** Behind its checksum: V8 runs what it is given. */
function save(file, bytes) {
  const draft = `${file}-${process.pid}-${threadId}`
  try {
    writeFileSync(draft, Buffer.concat([checksum(bytes), bytes]))
    renameSync(draft, file)
  } catch (error) {
    passOver(error)
  }
}

/** What is kept there; undefined where nothing is, or not what was kept. */
function load(file) {
  try {
    const whole = readFileSync(file)
    const bytes = whole.subarray(CHECKSUM_BYTES)
    return checksum(bytes).equals(whole.subarray(0, CHECKSUM_BYTES)) ? bytes : undefined
  } catch (error) {
    return passOver(error)
  }
}

function checksum(bytes) {
  const buffer = Buffer.alloc(CHECKSUM_BYTES)
  buffer.writeUInt32LE(crc32(bytes))
  return buffer
}

/** Whatever the file system refuses costs the next process its start, and nothing else. */
function passOver(error) {
  if (error.syscall === undefined) throw error
}

module.exports = { enableCompileCache }
