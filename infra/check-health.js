'use strict'
// Health check of a container: exits 0 where GET /health/ready answers 200. Images of Node have no curl.
const port = process.env.RISKLEDGER_HEALTH_PORT ?? '8080'

fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(4_000) }).then(
  ({ status }) => {
    if (status !== 200) process.stderr.write(`/health/ready answers ${status}\n`)
    process.exitCode = status === 200 ? 0 : 1
  },
  (error) => {
    process.stderr.write(`/health/ready does not answer: ${error.message}\n`)
    process.exitCode = 1
  },
)
