import { constants, setPriority } from 'node:os'

/** Lets every other thread go first, from now on: of the thread that calls it alone, which is something that Linux knows; elsewhere it does nothing. */
export function lowerPriority(): void {
  if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
}
