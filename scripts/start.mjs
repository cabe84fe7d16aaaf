// npm start: installs what is missing, then plays the demo. Further arguments go on to it: npm start -- --once
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkNodeVersion, installWhatIsMissing, root } from './install.mjs'

checkNodeVersion()
installWhatIsMissing()

const cli = join(root, 'services', 'cli')
const { bin } = JSON.parse(readFileSync(join(cli, 'package.json'), 'utf8'))
const child = spawn(process.execPath, [join(cli, bin.riskledger), 'up', '--demo', ...process.argv.slice(2)], { stdio: 'inherit' })

// Ctrl-C reaches the whole group by itself; only a signal sent to this process alone must be handed on.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
})
