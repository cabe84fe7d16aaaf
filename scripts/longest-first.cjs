// The order in which Jest starts test files: those that take minutes first, so that none of them is what is left to wait for on one core. Jest knows by itself
// only what ran before on the same node_modules, and goes by the size of a file else, which says nothing about the processes that it starts.
'use strict'
const { createRequire } = require('node:module')
const { default: Sequencer } = createRequire(require.resolve('jest'))('@jest/test-sequencer')

/** Ends of paths, the longest first; neighbours run beside each other, so what loads a cluster stands between what does not. */
const LONGEST = [
  ...[
    'composed-house.test.ts',
    'chaos/kafka-cluster.test.ts',
    'kill-and-restart.test.ts',
    'kill-and-restart-partitions.test.ts',
    'chaos/kafka-groups.test.ts',
    'damage.test.ts',
    'chaos/kafka-faults.test.ts',
  ],
  ...['demo.int.test.ts', 'demo-scenarios.int.test.ts', 'bad-input.test.ts', 'chaos/kafka-brokers.test.ts', 'repeat.test.ts'],
  ...['dev-broker/src/dev-broker.int.test.ts', 'screener-group.int.test.ts', 'broker-restart.int.test.ts', 'decode-fuzz.int.test.ts'],
  ...['quarantine.int.test.ts', 'policy.int.test.ts', 'refused-folder.int.test.ts', 'commands/dev-broker.int.test.ts'],
]

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const at = LONGEST.findIndex((end) => path.endsWith(`/${end}`))
      return at < 0 ? LONGEST.length : at
    }
    return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b))
  }
}
