/** The release of Apache Kafka that is started from its jars, and whose container image the compose file and the tests name. */
export const KAFKA_VERSION = '4.1.1'

/**
 * What Maven is asked for: the broker, the tool that formats its storage, and the logging that it expects to find beside it. All else follows from
 * these.
 */
export function kafkaPom(version: string): string {
  const log4j = '2.24.3'
  const wanted = [
    ['org.apache.kafka', 'kafka_2.13', version],
    ['org.apache.kafka', 'kafka-tools', version],
    ['org.apache.logging.log4j', 'log4j-slf4j-impl', log4j],
    ['org.apache.logging.log4j', 'log4j-core', log4j],
  ] as const
  const dependencies = wanted.map(
    ([group, artifact, release]) =>
      `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${release}</version></dependency>\n`,
  )
  return (
    '<project xmlns="http://maven.apache.org/POM/4.0.0">\n' +
    '  <modelVersion>4.0.0</modelVersion>\n' +
    '  <groupId>riskledger</groupId>\n  <artifactId>dev-broker</artifactId>\n  <version>1</version>\n  <packaging>pom</packaging>\n' +
    `  <dependencies>\n${dependencies.join('')}  </dependencies>\n</project>\n`
  )
}
