import { runToEnd } from './run-riskledger'

/** A house whose gateway is open. */
export interface OpenHouse {
  readonly url: string
  /** Null where everybody is let in. */
  readonly apiKey: string | null
  /** Runs `riskledger <args> --json` where it finds the ledger, and gives what it printed. */
  readonly run: <Result>(args: readonly string[]) => Promise<Result>
}

/** The house in a data folder that a process has open. */
export function houseIn(dataDir: string, url: string): OpenHouse {
  return { url, apiKey: null, run: (args) => runToEnd(['--data-dir', dataDir, ...args]) }
}

/** Longest that a house which has just been started may take for its first verdict, in ms. */
const DEADLINE_MS = 10_000

/** The same each time that an event is sent: another time would be another event. */
const BEGAN_MS = Date.now()

/** An ordinary purchase, the `number`th. */
function purchase(number: number): { readonly eventId: string } & Record<string, unknown> {
  return {
    eventId: `0192f3c4-5b6a-7c8d-9e0f-${number.toString(16).padStart(12, '0')}`,
    accountId: `a-${number % 7}`,
    source: 'checkout',
    paymentId: `p-${number}`,
    kind: 'purchase',
    phase: 'requested',
    direction: 'debit',
    amountMinor: 1_200,
    currency: 'USD',
    amountReferenceMinor: 1_200,
    counterpartyId: 'm-1',
    counterpartyKind: 'merchant',
    method: 'card',
    payerNameMatch: 'match',
    eventTimeMs: BEGAN_MS,
  }
}

/** Asks for the verdict on the `number`th purchase. */
export function decide(house: OpenHouse, number: number): Promise<Readonly<Record<string, unknown>>> {
  return post(house, '/v1/decisions', { topic: 'payments', event: purchase(number), deadlineMs: DEADLINE_MS })
}

/**
 * Does with a house that nothing has been published to what its users do: asks for a verdict and, again, gets the same; publishes forty events at once and
 * asks for the verdict of each; then verifies and replays the ledger.
 */
export async function tryHouse(house: OpenHouse): Promise<void> {
  const first = await decide(house, 1)
  expect(first).toMatchObject({ status: 'screened', kind: 'allow', fallback: false })
  expect(await decide(house, 1)).toMatchObject({ fallback: false, decisionId: first.decisionId, sequence: first.sequence })
  const numbers = Array.from({ length: 40 }, (_, i) => i + 2)
  expect(await post(house, '/v1/events/payments', numbers.map(purchase))).toHaveLength(numbers.length)
  for (const number of numbers) expect(await decide(house, number)).toMatchObject({ status: 'screened', kind: 'allow', fallback: false })
  expect(await house.run(['verify'])).toMatchObject({ faults: [] })
  const { inputs, mismatches } = await house.run<{ readonly inputs: number; readonly mismatches: number }>(['replay'])
  expect(mismatches).toBe(0)
  expect(inputs).toBeGreaterThan(numbers.length)
}

async function post<Answer>({ url, apiKey }: OpenHouse, path: string, body: unknown): Promise<Answer> {
  const authorization = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }
  const headers = { 'content-type': 'application/json', ...authorization }
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Answer
}
