import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import { parsePolicy, type AcceptedPolicy } from '@riskledger/policy'
import { installationRoot } from '@riskledger/runtime'

/** The policy that ships with RiskLedger. */
export const DEFAULT_POLICY_FILE = join(installationRoot(), 'policies', 'default.yaml')

/** Reads and checks a policy file; throws `file-not-found`, or `policy-invalid` naming every line and field. */
export async function loadPolicyFile(file: string): Promise<AcceptedPolicy> {
  const result = parsePolicy(await readText(file, 'policy'))
  if (result.kind === 'accepted') return result
  const lines = result.problems.map(
    (problem) => `${file}:${problem.line}:${problem.column}: ${problem.path === '' ? '' : `${problem.path} `}${problem.message}`,
  )
  throw new RiskError('policy-invalid', lines.join('\n'), { retriable: false, context: { file } })
}

/** The text of a file that a person named; throws `file-not-found` or `file-unreadable`. */
export async function readText(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new RiskError(
      missing ? 'file-not-found' : 'file-unreadable',
      missing
        ? `${file}: there is no such ${what} file. Check its name.`
        : `${file}: the ${what} file cannot be read (${(error as Error).message}).`,
      { retriable: false, cause: error, context: { file } },
    )
  }
}
