import { openEmbeddedLog } from '../src/embedded-log'
import { proposedRecord } from '../src/event-log-contract'

/*
 * Appends to the log in the folder given until it is killed, or ends itself at a crash point: three records of two topics and the progress
 * that covers them, four appends in flight. Prints the emissions of each append as it is acknowledged.
 * Arguments: folder, crash point or '-', how many times the crash point is passed before it ends the process.
 */
const [folder, crashAt, passes] = process.argv.slice(2)
let remaining = Number(passes)
const log = openEmbeddedLog({
  folder,
  partitionCount: 1,
  crashPoint: (name) => {
    if (name === crashAt && remaining-- === 0) process.kill(process.pid, 'SIGKILL')
  },
})

async function run(): Promise<void> {
  let emissions = (await log.sources())[0]?.emissions ?? 0
  const inFlight: Promise<void>[] = []
  for (;;) {
    const first = emissions
    emissions += 3
    const end = emissions
    const record = (topic: 'payments' | 'logins', emission: number) =>
      proposedRecord({ topic, value: Buffer.alloc(4_000, emission & 0xff) })
    const progress = { sourceId: 's', emissions: end, orderTimeMs: end, startedAtMs: 0, done: false }
    const appended = log.append([record('payments', first), record('logins', first + 1), record('payments', first + 2)], progress)
    inFlight.push(appended.then(() => void process.stdout.write(`${end}\n`)))
    if (inFlight.length >= 4) await inFlight.shift()
  }
}

void run()
