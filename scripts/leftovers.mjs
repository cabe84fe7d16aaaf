import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Caches that tools keep in the folder for temporary files; they are not ours, and vanish with it. */
const TOOL_CACHES = /^(tsx-\w+|node-compile-cache|v8-compile-cache.*|jest_\w+)$/

/**
 * Watches what a run of tests leaves behind: it gets a folder of its own for temporary files, and a mark in its environment by which its
 * processes are known (where /proc tells; elsewhere only files are watched).
 */
export function watchLeftovers() {
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-test-'))
  // Tests that run a program as another user have it look into a folder of theirs in here.
  chmodSync(folder, 0o711)
  const mark = `TEST_RUN=${folder}`
  return {
    environment: { TMPDIR: folder, TEMP: folder, TMP: folder, TEST_RUN: folder },
    /** Says what is left, one line each, and removes it. */
    async collect() {
      const left = readdirSync(folder)
        .filter((name) => !TOOL_CACHES.test(name))
        .map((name) => `left behind: ${join(folder, name)}`)
      let processes = processesWith(mark)
      for (let waitedMs = 0; processes.length > 0 && waitedMs < 2_000; waitedMs += 100) {
        await sleep(100)
        processes = processesWith(mark)
      }
      for (const { pid, command } of processes) {
        left.push(`left running: ${pid} ${command}`)
        kill(pid)
      }
      rmSync(folder, { recursive: true, force: true })
      return left
    },
  }
}

function processesWith(mark) {
  const found = []
  for (const pid of pidsOfProc()) {
    const environment = readOptional(`/proc/${pid}/environ`)
    if (environment === undefined || !environment.split('\0').includes(mark)) continue
    found.push({ pid, command: (readOptional(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim() })
  }
  return found
}

function pidsOfProc() {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

/** A process may end, or be another user's, while we look. */
function readOptional(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(error.code)) return undefined
    throw error
  }
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}
