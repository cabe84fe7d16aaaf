import { startLedgerServer } from '@riskledger/ledger-server'

/*
 * A ledger server in a process of its own, for tests that kill it:
 *   node --require tsx/cjs test-server-process.ts <folder> <port> [<crash point> <how many times it is passed before the kill>]
 * Prints its connection string on a line of its own.
 */
async function main(): Promise<void> {
  const [folder, port, crashPoint, passes] = process.argv.slice(2)
  let left = Number(passes)
  const server = await startLedgerServer({
    folder,
    port: Number(port),
    crashPoint: (name) => {
      if (name === crashPoint && left-- === 0) process.kill(process.pid, 'SIGKILL')
    },
  })
  console.log(server.connectionString)
}

void main()
