import { openSnapshotStore } from '../src/snapshot-store'

/* Saves three snapshots in the folder given and kills itself once the third is written, before the oldest goes. */
let written = 0
const store = openSnapshotStore({
  folder: process.argv[2],
  crashPoint: () => {
    if (++written === 3) process.kill(process.pid, 'SIGKILL')
  },
})

async function run(): Promise<void> {
  for (let revision = 1; ; revision++)
    await store.save('p', { stream: 's', revision, entryHash: 'e', formatHash: 'f', state: Buffer.alloc(3_000_000, revision) })
}

void run()
