'use strict'
const { createHash } = require('node:crypto')
const { lstatSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

/** What a bundle finds beside and above itself: its packages, and RiskLedger's own files by the name in package.json. */
const FOUND_UPWARDS = ['node_modules', 'package.json', 'policies', 'schemas']
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS'])
const USED_AGAIN_MS = 3_600_000
/** Days where an hour would do: a machine that sleeps marks nothing meanwhile. */
const FORGOTTEN_AFTER_MS = 3 * 86_400_000

/**
 * Does something in the folder that holds the bundles of an installation, which is made if need be: in its node_modules or, where this user may not write
 * there, in a folder of this user's in the system's folder for temporary files.
 *
 * @template T
 * @param {string} root of the installation
 * @param {(home: string) => Promise<T>} work rejects with the file system's own error where it may not write
 * @returns {Promise<T>}
 */
async function inBundleHome(root, work) {
  const shared = join(root, 'node_modules', '.cache', 'riskledger')
  try {
    mkdirSync(shared, { recursive: true })
    return await work(shared)
  } catch (error) {
    if (!FORBIDDEN.has(error.code)) throw error
  }
  const own = join(tmpdir(), `riskledger-${process.getuid?.() ?? 'bundles'}`)
  try {
    return await work(ownHome(own, root))
  } catch (error) {
    if (!FORBIDDEN.has(error.code)) throw error
    throw new Error(`bundles can be written neither to ${shared} nor to ${own} (${error.code}): make one of them writable, or set TMPDIR`, {
      cause: error,
    })
  }
}

/** Below a folder that is this user's alone, since what lies there is run. */
function ownHome(own, root) {
  mkdirSync(own, { recursive: true, mode: 0o700 })
  const stats = lstatSync(own)
  const isOwn = process.getuid === undefined || (stats.uid === process.getuid() && (stats.mode & 0o022) === 0)
  if (!isOwn || !stats.isDirectory()) throw new Error(`${own} is not a folder that this user alone may write: take it away, or set TMPDIR`)
  const installation = join(own, createHash('sha256').update(root).digest('hex').slice(0, 16))
  const home = join(installation, 'bundles')
  mkdirSync(home, { recursive: true })
  for (const name of FOUND_UPWARDS) linkOnce(join(root, name), join(installation, name))
  return home
}

function linkOnce(target, link) {
  try {
    symlinkSync(target, link)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
}

/** Whether there is such a bundle; one that there is counts as used just now. */
function findBundle(folder) {
  try {
    markUsed(folder)
    return true
  } catch (error) {
    if (error.code === 'ENOENT') return false
    throw error
  }
}

/** Marks a bundle as used for as long as this process lives: threads that start late read it then. */
function keepUsed(folder) {
  setInterval(() => {
    try {
      markUsed(folder)
    } catch (error) {
      // It may have been taken away by hand.
      if (error.syscall === undefined) throw error
    }
  }, USED_AGAIN_MS).unref()
}

function markUsed(folder) {
  const now = new Date()
  utimesSync(folder, now, now)
}

/** Takes away the other bundles beside one, but for those that may still be running: they were used within days. */
function forgetOthers(kept) {
  const home = join(kept, '..')
  const before = Date.now() - FORGOTTEN_AFTER_MS
  for (const name of readdirSync(home)) {
    const folder = join(home, name)
    try {
      if (folder !== kept && statSync(folder).mtimeMs < before) rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      // Another process has taken it away, or still writes there.
      if (error.syscall === undefined) throw error
    }
  }
}

module.exports = { findBundle, forgetOthers, inBundleHome, keepUsed }
