import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startDevBroker, type DevBroker } from '@riskledger/dev-broker'
import type { KafkaConnection } from '@riskledger/kafka'
import { connectLedger } from '@riskledger/ledger'
import { installationRoot, startThread, threadModule } from '@riskledger/runtime'
import type { AppendThreadInput } from './append-thread'
import { failAfterPrinting } from './fail-after-printing'
import { peersWork, type PeersWork } from './kafka-peers-work'
import { wholeScreening, type WholeScreening } from './kafka-whole-screening'

/** Run from a bundle, as the product is. */
export const runsBundled = true

const APPEND_THREAD = threadModule(__dirname, { source: 'append-thread.ts', bundled: 'append-thread' })

/** What `npm run bench -- kafka --json` prints. */
export interface KafkaBenchResult extends WholeScreening {
  readonly peersWork: PeersWork
  /** The same at 200,000 accounts. */
  readonly peersWorkSplit: PeersWork
}

/**
 * RiskLedger on a real Kafka broker, all on this machine, the broker included: the peers' work; 2 million mixed events of 200,000 accounts drained; 25,000 a
 * second live for five minutes, or the highest rate that is kept up with, timed from the moment at which each was meant to be published to its receipt out of the journal; verdicts over HTTP; recovery from a kill; a pause.
 * Where an answer of the peers' work is wrong, or an input is lost or duplicated, the process ends with 1 once the figures are printed.
 */
export async function run(options: { readonly input?: string; readonly json: boolean }): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-bench-'))
  const say = (name: string, value: unknown): void => {
    if (!options.json) process.stdout.write(`${name.padEnd(26)}${typeof value === 'string' ? value : JSON.stringify(value)}\n`)
  }
  let broker: DevBroker | undefined
  try {
    broker = await startDevBroker({ folder: join(folder, 'kafka'), heapMiB: 512 })
    const { brokers } = broker
    const connection = (prefix: string): KafkaConnection => ({ brokers, clientId: 'bench', prefix })
    const peers = await allPeersWork({ input: options.input, folder, connection, say })
    const screening = await wholeScreening(connection('bench-'), { folder, say })
    failAfterPrinting('kafka', {
      "the peers' work has other answers than the known ones": 'goldenMatch' in peers.peersWork && peers.peersWork.goldenMatch === false,
      [`${screening.lost} inputs are lost`]: screening.lost > 0,
      [`${screening.duplicated} inputs are duplicated`]: screening.duplicated > 0,
    })
    return { ...peers, ...screening }
  } finally {
    await broker?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

type Say = (name: string, value: unknown) => void
type AllPeersWork = Pick<KafkaBenchResult, 'peersWork' | 'peersWorkSplit'> | { readonly peersWork: { readonly skipped: string } }

async function allPeersWork({
  input = resolve(installationRoot(), '../shared/data/card-payments.csv.gz'),
  folder,
  connection,
  say,
}: {
  readonly input: string | undefined
  readonly folder: string
  readonly connection: (prefix: string) => KafkaConnection
  readonly say: Say
}): Promise<AllPeersWork> {
  if (!existsSync(input)) {
    say('peersWork', `skipped: ${input} not present`)
    return { peersWork: { skipped: `${input} not present` } }
  }
  const threadInput: AppendThreadInput = { folder: join(folder, 'peers-ledger') }
  const thread = startThread<{ connectionString: string }>(APPEND_THREAD, { name: 'ledger', input: threadInput })
  try {
    const ledger = await connectLedger(await thread.ready)
    try {
      const once = await peersWork({ connection: connection('peers-'), ledger, input, split: 1 })
      say('peersWork', once)
      const split = await peersWork({ connection: connection('peers40-'), ledger, input, split: 40 })
      say('peersWorkSplit', split)
      return { peersWork: once, peersWorkSplit: split }
    } finally {
      await ledger.close()
    }
  } finally {
    await thread.stop()
  }
}
