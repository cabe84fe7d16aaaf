// Makes the folder that a container image holds: node infra/build-image-files.mjs <empty folder>
// Bundles, the packages that cannot be bundled with all that these need, the policies and schemas that ship, and a starter; nothing else is needed to run.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { bundle, EXECUTABLE, EXTERNAL } = createRequire(import.meta.url)(join(root, 'services', 'cli', 'bin', 'bundle.js'))

/** Made into the bundles already, or for tests alone. */
const NOT_SHIPPED = new Set(['esbuild', 'testcontainers'])

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
  for (const name of EXTERNAL) if (!NOT_SHIPPED.has(name)) copyPackage(name, { from: join(root, 'node_modules'), target })
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
