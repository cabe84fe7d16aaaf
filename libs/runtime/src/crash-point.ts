/**
 * For tests of recovery: ends the process at once, as `kill -9` does, when a named point is reached for the n-th time.
 * `at` is `<name>:<n>`, from RISKLEDGER_CRASH_AT; undefined: the points cost one comparison and do nothing.
 */
export function crashPointFrom(at: string | undefined): (name: string) => void {
  if (at === undefined || at === '') return () => undefined
  const [name, count = '1'] = at.split(':')
  let left = Number(count)
  return (reached) => {
    if (reached === name && --left === 0) process.kill(process.pid, 'SIGKILL')
  }
}
