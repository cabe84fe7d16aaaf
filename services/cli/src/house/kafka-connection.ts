import { RiskError } from '@riskledger/contracts'
import type { KafkaConnection, SchemaRegistryOptions } from '@riskledger/kafka'
import type { Settings } from '@riskledger/runtime'
import { readNamedFile } from './read-named-file'

/** How to get into the cluster that the settings name, its files read; null where they name none. Throws `configuration-invalid`, `file-not-found`. */
export function kafkaConnectionOf(
  settings: Settings,
  { environment, variables }: { readonly environment: string; readonly variables: Readonly<Record<string, string | undefined>> },
): KafkaConnection | null {
  const { kafka, kafkaTls, kafkaCa, kafkaCert, kafkaKey, kafkaSasl } = settings
  if (kafka === undefined) return null
  const withTls = kafkaTls === undefined ? [kafkaCa, kafkaCert, kafkaSasl].some((given) => given !== undefined) : kafkaTls === 'on'
  return {
    brokers: kafka.split(','),
    clientId: 'riskledger',
    prefix: environment,
    ...(withTls ? { ssl: { ...pem('ca', kafkaCa), ...pem('cert', kafkaCert), ...pem('key', kafkaKey) } } : {}),
    ...(kafkaSasl === undefined ? {} : { sasl: { mechanism: kafkaSasl, ...credentials(variables) } }),
  }
}

/** The registry of schemas that the settings name; null where they name none. Throws `configuration-invalid` for a password without a user. */
export function schemaRegistryOf(
  { schemaRegistry: url }: Settings,
  { variables }: { readonly variables: Readonly<Record<string, string | undefined>> },
): SchemaRegistryOptions | null {
  if (url === undefined) return null
  const { RISKLEDGER_SCHEMA_REGISTRY_USERNAME: username = '', RISKLEDGER_SCHEMA_REGISTRY_PASSWORD: password = '' } = variables
  if (username !== '') return { url, username, password }
  if (password === '') return { url }
  throw new RiskError(
    'configuration-invalid',
    'RISKLEDGER_SCHEMA_REGISTRY_PASSWORD is set and RISKLEDGER_SCHEMA_REGISTRY_USERNAME is not: the registry takes both.',
    { retriable: false },
  )
}

function credentials(variables: Readonly<Record<string, string | undefined>>): { readonly username: string; readonly password: string } {
  const username = variables.RISKLEDGER_KAFKA_USERNAME
  const password = variables.RISKLEDGER_KAFKA_PASSWORD
  if (username !== undefined && username !== '' && password !== undefined && password !== '') return { username, password }
  throw new RiskError(
    'configuration-invalid',
    '--kafka-sasl needs RISKLEDGER_KAFKA_USERNAME and RISKLEDGER_KAFKA_PASSWORD in the environment.',
    {
      retriable: false,
    },
  )
}

function pem<Name extends string>(name: Name, path: string | undefined): Partial<Record<Name, string>> {
  return path === undefined ? {} : ({ [name]: readNamedFile(path, `kafka-${name}`) } as Record<Name, string>)
}
