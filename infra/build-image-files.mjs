// Makes the folder that a container image holds: node infra/build-image-files.mjs <empty folder>
// Bundles, the packages that cannot be bundled with all that these need, the policies and schemas that ship, a starter, and licences; nothing else is needed to run.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { bundle, EXECUTABLE, NATIVE, PACKAGES_FILE } = createRequire(import.meta.url)(join(root, 'services', 'cli', 'bin', 'bundle.js'))

const LICENCE_FILE = /^(licen[cs]e|notice|copying)/i

const STARTER = `#!/usr/bin/env node
'use strict'
require('../dist/riskledger.js')
  .main(process.argv)
  .then((code) => {
    process.exitCode = code
  })
`

/** Fills an empty folder, which is made if it is not there; throws where it holds anything, since that would go into the image too. */
export async function buildImageFiles(target) {
  mkdirSync(target, { recursive: true })
  if (readdirSync(target).length > 0) throw new Error(`${target} is not empty: name an empty folder, or one that is not there`)
  const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  // The name by which the executable finds its own files.
  writeFileSync(join(target, 'package.json'), `${JSON.stringify({ name: 'riskledger', version, license, private: true })}\n`)
  cpSync(await bundle(EXECUTABLE), join(target, 'dist'), { recursive: true })
  mkdirSync(join(target, 'bin'))
  writeFileSync(join(target, 'bin', 'riskledger.js'), STARTER, { mode: 0o755 })
  cpSync(join(root, 'infra', 'check-health.js'), join(target, 'bin', 'check-health.js'))
  for (const folder of ['policies', join('schemas', 'raw')]) cpSync(join(root, folder), join(target, folder), { recursive: true })
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
  const bundled = JSON.parse(readFileSync(join(target, 'dist', PACKAGES_FILE), 'utf8'))
  // What is installed in several places in one version is told of once.
  const licences = new Set(bundled.map(licenceOf))
  writeFileSync(join(target, 'THIRD-PARTY-LICENSES.txt'), [...licences].join('\n\n'))
  for (const name of NATIVE) copyPackage(name, { from: join(root, 'node_modules'), target })
}

/** Name, version and licence of a package that is in the bundles, with all that it says of it. */
function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const files = readdirSync(join(root, folder)).filter((file) => LICENCE_FILE.test(file))
  const texts = files.sort().map((file) => readFileSync(join(root, folder, file), 'utf8').trim())
  const none = `The package ships no text of its licence${license === 'Apache-2.0' ? '; that of Apache-2.0 is in LICENSE' : ''}.`
  return [`== ${name} ${version}, ${license ?? 'see below'}`, ...(texts.length === 0 ? [none] : texts)].join('\n\n')
}

/**
 * Copies a package and all that it depends on, each to where it lies now, so that every require finds what it finds here. Optional packages that are not
 * installed, binaries of other systems, are left out.
 */
function copyPackage(name, { from, target, optional = false }) {
  const folder = findPackage(name, from)
  if (folder === undefined) {
    if (optional) return
    throw new Error(`the package ${name} is not installed: run npm ci`)
  }
  const place = join(target, folder.slice(root.length + 1))
  if (existsSync(place)) return
  cpSync(folder, place, { recursive: true, filter: (path) => !path.slice(folder.length).includes('node_modules') })
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const inside = { from: join(folder, 'node_modules'), target }
  for (const dependency of Object.keys(dependencies)) copyPackage(dependency, { ...inside, optional: dependency in optionalDependencies })
  for (const dependency of Object.keys(optionalDependencies)) copyPackage(dependency, { ...inside, optional: true })
}

/** Where Node would find it: in this node_modules, or in that of a folder above. */
function findPackage(name, nodeModules) {
  for (let folder = nodeModules; folder.startsWith(root); folder = dirname(folder)) {
    if (basename(folder) === 'node_modules' && existsSync(join(folder, name, 'package.json'))) return join(folder, name)
  }
  return undefined
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (process.argv.length !== 3) {
    console.error('node infra/build-image-files.mjs <empty folder>')
    process.exit(2)
  }
  await buildImageFiles(process.argv[2])
}
