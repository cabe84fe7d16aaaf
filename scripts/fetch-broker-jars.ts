import { KAFKA_VERSION, cachedBrokerJars, fetchBrokerJars, findProgram, makeClassArchive } from '@riskledger/dev-broker'

/**
 * Fetches what the tests on a real Kafka broker need, once, while dependencies are installed, and archives its classes, once for each Java; nothing asks the network later. Where Java or Maven is
 * missing it says what that means and is content: the tests say the same, and fail where nothing may be skipped.
 */
async function fetchForTests(): Promise<void> {
  if (process.env.RISKLEDGER_KAFKA_BROKERS !== undefined) return
  const cached = cachedBrokerJars()
  const missing = (cached === undefined ? (['java', 'mvn'] as const) : (['java'] as const)).filter(
    (name) => findProgram(name) === undefined,
  )
  if (missing.length > 0) {
    console.error(
      `No ${missing.join(' and no ')} on the search path: no Kafka broker can be started from its jars for the tests that need one.`,
    )
    return
  }
  if (cached === undefined) console.error(`Fetching Kafka ${KAFKA_VERSION} for the tests, once, 54 MB: mvn dependency:copy-dependencies`)
  const jars = cached ?? (await fetchBrokerJars())
  try {
    await makeClassArchive(jars)
  } catch (error) {
    console.error(`Kafka's classes were not archived, so brokers start slower: ${error instanceof Error ? error.message : String(error)}`)
  }
}

fetchForTests().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
