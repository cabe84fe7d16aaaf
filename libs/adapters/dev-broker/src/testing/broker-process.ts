import { startDevBroker } from '../start-dev-broker'

/** Starts a broker in the folder named by its argument, prints its address, and stays until somebody ends it. */
async function run(): Promise<void> {
  const { nodes } = await startDevBroker({ folder: process.argv[2] })
  process.stdout.write(`${JSON.stringify({ pid: nodes[0].pid, broker: nodes[0].broker })}\n`)
}

void run()
