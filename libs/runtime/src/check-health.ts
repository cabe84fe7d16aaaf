/** One named check: resolves to a short fact in words ("lag 12 messages"), rejects where something is wrong. */
export type HealthCheck = (signal: AbortSignal) => Promise<string>

/** What came of a check. */
export interface HealthFinding {
  readonly status: 'passing' | 'failing'
  readonly detail: string
}

/** All checks together: failing as soon as one fails. */
export interface HealthReport {
  readonly status: 'passing' | 'failing'
  readonly checks: Readonly<Record<string, HealthFinding>>
}

/** Limits of a round of checks. */
export interface HealthOptions {
  /** A check that takes longer counts as failing; default 2,000 ms. */
  readonly timeoutMs?: number
}

/** Runs every check at once and reports on all of them; never rejects. A check past its time is aborted through its signal. */
export async function checkHealth(
  checks: Readonly<Record<string, HealthCheck>>,
  { timeoutMs = 2_000 }: HealthOptions = {},
): Promise<HealthReport> {
  const findings = await Promise.all(Object.entries(checks).map(async ([name, check]) => [name, await runCheck(check, timeoutMs)] as const))
  const status = findings.every(([, finding]) => finding.status === 'passing') ? 'passing' : 'failing'
  return { status, checks: Object.fromEntries(findings) }
}

async function runCheck(check: HealthCheck, timeoutMs: number): Promise<HealthFinding> {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<HealthFinding>((resolve) => {
    timer = setTimeout(() => {
      abort.abort()
      resolve({ status: 'failing', detail: `no answer within ${timeoutMs} ms` })
    }, timeoutMs)
  })
  const answered = (async (): Promise<HealthFinding> => {
    try {
      return { status: 'passing', detail: await check(abort.signal) }
    } catch (error) {
      return { status: 'failing', detail: error instanceof Error ? error.message : String(error) }
    }
  })()
  try {
    return await Promise.race([answered, late])
  } finally {
    clearTimeout(timer)
  }
}
