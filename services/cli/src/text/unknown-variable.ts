import { closestName } from '@riskledger/contracts'
import { OTHER_VARIABLES, SETTINGS } from '@riskledger/runtime'

const PREFIX = 'RISKLEDGER_'
const KNOWN = [...Object.values(SETTINGS).map(({ variable }) => variable), ...Object.keys(OTHER_VARIABLES)].map((name) =>
  name.slice(PREFIX.length),
)

/** What is told of a variable that begins with RISKLEDGER_ and means nothing. */
export function unknownVariableText(variable: string): string {
  // What all of them begin with says nothing about which is meant.
  const meant = closestName(variable.slice(PREFIX.length), KNOWN)
  const advice = meant === null ? 'docs/reference/configuration.md lists those that do' : `did you mean ${PREFIX}${meant}?`
  return `${variable} means nothing to riskledger; ${advice}`
}
