import { RiskError } from '@riskledger/contracts'
import { OTHER_VARIABLES, SETTINGS, settingsSchema, type Settings } from './settings'
import { maskedAddress } from './without-user-info'

/** Validated settings, and where each came from. */
export interface Configuration {
  readonly settings: Settings
  /** By setting: the flag or variable that set it, or `default`. */
  readonly origins: Readonly<Record<keyof Settings, string>>
  /** Variables that begin with `RISKLEDGER_` and mean nothing to this version: worth a warning, they may be misspelt. */
  readonly unknownVariables: readonly string[]
}

/** What a configuration is made from. */
export interface ConfigurationInputs {
  /** Flags by setting, in camelCase as the command line parser gives them; other keys are left alone, undefined means not given. */
  readonly flags: Readonly<Record<string, unknown>>
  /** The process's environment; an empty value counts as not given. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

const names = Object.keys(SETTINGS) as readonly (keyof Settings)[]

/**
 * Makes the one configuration of a process: a flag wins over an environment variable, a variable over the default.
 * Everything is validated here, once.
 *
 * @throws RiskError `configuration-invalid`, naming each wrong setting, its value without the user info of a URL, where it came from and what is allowed.
 */
export function loadConfiguration({ flags, environment }: ConfigurationInputs): Configuration {
  const values: Record<string, unknown> = {}
  const origins = {} as Record<keyof Settings, string>
  for (const name of names) {
    const { flag, variable } = SETTINGS[name]
    if (flags[name] !== undefined) {
      values[name] = flags[name]
      origins[name] = `--${flag}`
    } else if (environment[variable] !== undefined && environment[variable] !== '') {
      values[name] = environment[variable]
      origins[name] = variable
    } else {
      origins[name] = 'default'
    }
  }
  const known = new Set([...names.map((name) => SETTINGS[name].variable), ...Object.keys(OTHER_VARIABLES)])
  const unknownVariables = Object.keys(environment)
    .filter((variable) => variable.startsWith('RISKLEDGER_') && !known.has(variable))
    .sort()
  const parsed = settingsSchema.safeParse(values)
  if (parsed.success) return { settings: parsed.data, origins, unknownVariables }
  const wrong = [...new Set(parsed.error.issues.map((issue) => issue.path[0] as keyof Settings))]
  throw new RiskError('configuration-invalid', wrong.map((name) => refusal(name, values[name], origins[name])).join('\n'), {
    retriable: false,
    context: { settings: wrong.join(',') },
  })
}

function refusal(name: keyof Settings, value: unknown, origin: string): string {
  const shown = JSON.stringify(typeof value === 'string' ? maskedAddress(value) : value)
  return `${SETTINGS[name].flag} is ${shown} (from ${origin}); allowed: ${SETTINGS[name].allowed}.`
}
