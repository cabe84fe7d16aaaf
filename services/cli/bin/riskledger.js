#!/usr/bin/env node
'use strict'
const { join } = require('node:path')
const { bundle, EXECUTABLE } = require('./bundle')

/** The executable in the repository: bundles the sources, where they changed, and runs the bundle. */
void bundle(EXECUTABLE, { compileCache: true })
  .then((folder) => require(join(folder, 'riskledger.js')).main(process.argv))
  .then(
    (code) => {
      process.exitCode = code
    },
    (error) => {
      process.stderr.write(`riskledger could not be started: ${error.message}\n`)
      process.exitCode = 1
    },
  )
