#!/usr/bin/env node
'use strict'
// The executable in the repository: runs the TypeScript sources through tsx.
require('tsx/cjs')
const { main } = require('../src/main.ts')

void main(process.argv).then((code) => {
  process.exitCode = code
})
