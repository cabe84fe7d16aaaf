import { killAndRestart } from './kill-and-restart'

// In a file of its own, so that it runs beside the one with one partition.
test('killed at every named moment with four partitions, 17 times: every input once, the digest of an undisturbed run', async () => {
  await killAndRestart({ partitions: 4, kills: 17 })
}, 600_000)
