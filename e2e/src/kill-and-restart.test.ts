import { killAndRestart } from './kill-and-restart'

test('killed at every named moment and at seeded others, 21 times: every input once, the digest of an undisturbed run', async () => {
  await killAndRestart({ partitions: 1, kills: 21 })
}, 600_000)
