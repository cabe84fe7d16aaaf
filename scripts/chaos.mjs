// npm run chaos: services as real processes on a real Kafka cluster, under faults that a seed draws, with everything checked after each.
// npm run chaos -- --minutes 30 --seed 7. With the seed of a failure the same faults come in the same order; their moments depend on the machine.
// Half of the time on three brokers, of which one at a time is killed, and half on one, which is restarted and whose connections are disturbed; --nodes says on
// which alone.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkNodeVersion, fetchBrokerJars, installWhatIsMissing, root } from './install.mjs'

checkNodeVersion()
installWhatIsMissing()

const { minutes, seed, nodes } = readArguments()
const only = nodes === undefined ? [] : ['--nodes', `${nodes}`]
fetchBrokerJars()
const program = join(root, 'e2e', 'src', 'chaos', 'chaos-process.ts')
const child = spawn(
  process.execPath,
  ['--require', '@riskledger/runtime/register.cjs', program, '--minutes', `${minutes}`, '--seed', `${seed}`, ...only],
  { stdio: 'inherit', cwd: root },
)
child.on('exit', (code) => {
  if (code !== 0) console.log(`FAILED with seed ${seed}\n  again: npm run chaos -- --minutes ${minutes} --seed ${seed} ${only.join(' ')}`)
  process.exitCode = code ?? 1
})

function readArguments() {
  try {
    const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' }, nodes: { type: 'string' } } })
    const count = whole('nodes', values.nodes)
    if (count !== undefined && count !== 1 && count !== 3) throw new Error(`--nodes is ${count}; a cluster has 1 or 3`)
    return { minutes: whole('minutes', values.minutes) ?? 10, seed: whole('seed', values.seed) ?? Date.now() % 1_000_000, nodes: count }
  } catch (error) {
    console.error(`npm run chaos: ${error.message}`)
    process.exit(2)
  }
}

function whole(name, text) {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} is ${text}; it is a whole number from 1 to 999,999,999`)
  return Number(text)
}
