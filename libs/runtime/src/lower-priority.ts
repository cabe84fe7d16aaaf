import { constants, getPriority, setPriority } from 'node:os'

const LOWER = constants.priority.PRIORITY_BELOW_NORMAL

/**
 * Lets other threads go first, from now on: for the thread that calls it alone, which is something that Linux knows. Elsewhere, where its priority is that low
 * already, and where the system refuses, it does nothing.
 */
export function lowerPriority(): void {
  if (process.platform !== 'linux') return
  try {
    if (getPriority() < LOWER) setPriority(LOWER)
  } catch {
    // Everything is done at the priority that it has.
  }
}
