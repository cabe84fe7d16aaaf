import { spawn } from 'node:child_process'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** Windows has no process groups; there the step's own process alone is ended. */
const HAS_GROUPS = process.platform !== 'win32'

/**
 * Runs one step under this same Node in a process group of its own; resolves to its exit code, or to the name of the signal that ended it. After
 * `limitMs` the whole group is ended, since what hangs may be a process that the step started. A signal to us is passed on to the group, which a terminal
 * does not reach any more. `stdio` is that of spawn; `onBytes` gets what comes through its pipes.
 */
export function runStep(args, { cwd, env, stdio, limitMs, onBytes }) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, env, stdio, detached: HAS_GROUPS })
    child.stdout?.on('data', onBytes)
    child.stderr?.on('data', onBytes)
    const passOn = (signal) => {
      endGroup(child, signal)
      for (const name of SIGNALS) process.removeListener(name, passOn)
      process.kill(process.pid, signal)
    }
    for (const name of SIGNALS) process.on(name, passOn)
    const timer = setTimeout(() => {
      endGroup(child, 'SIGKILL')
      // Whoever left the group may hold the pipes, and would be waited for.
      child.stdout?.destroy()
      child.stderr?.destroy()
    }, limitMs)
    const settle = () => {
      clearTimeout(timer)
      for (const name of SIGNALS) process.removeListener(name, passOn)
    }
    child.on('error', (error) => {
      settle()
      reject(error)
    })
    child.on('close', (code, signal) => {
      settle()
      resolve(code ?? signal)
    })
  })
}

function endGroup(child, signal) {
  if (child.pid === undefined) return
  if (!HAS_GROUPS) return void child.kill(signal)
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // It has just ended.
    if (error.code !== 'ESRCH') throw error
  }
}
