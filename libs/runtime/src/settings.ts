import * as z from 'zod'

/** One setting: its schema, its names at the edges, and the words in which a wrong value is refused. */
export interface SettingSpecification {
  /** Name of the command line flag, without the dashes. */
  readonly flag: string
  /** Name of the environment variable. */
  readonly variable: string
  /** What is allowed, as the end of the sentence "... is allowed: ...". */
  readonly allowed: string
  /** What it is for, one sentence. */
  readonly meaning: string
}

/** Digits only: `Number` would also take an empty text for 0 and `1e3` for 1,000. */
const wholeNumber = (minimum: number, maximum: number) =>
  z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d{1,9}$/)
        .transform(Number),
    ])
    .pipe(z.number().int().min(minimum).max(maximum))

function hasPort(address: string): boolean {
  const port = Number(address.slice(address.lastIndexOf(':') + 1))
  return port >= 1 && port <= 65_535
}

/** The one schema of every setting; defaults stand here and nowhere else. */
export const settingsSchema = z.object({
  dataDir: z.string().min(1).default('.riskledger'),
  partitions: wholeNumber(1, 1024).optional(),
  policy: z.string().min(1).optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('warn'),
  ledgerPort: wholeNumber(0, 65535).default(0),
  prefix: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,19}$/)
    .optional(),
  gatewayHost: z.string().min(1).default('127.0.0.1'),
  gatewayPort: wholeNumber(0, 65535).default(8080),
  gatewayKeys: z.string().min(1).optional(),
  gatewayAuth: z.enum(['on', 'off']).default('on'),
  gatewayCert: z.string().min(1).optional(),
  gatewayKey: z.string().min(1).optional(),
  healthPort: wholeNumber(1, 65535).optional(),
  healthHost: z.string().min(1).default('127.0.0.1'),
  ledger: z
    .string()
    .regex(/^(esdb|kurrentdb)(\+discover)?:\/\/\S+$/)
    .optional(),
  kafka: z
    .string()
    .regex(/^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5}){0,31}$/)
    .refine((brokers) => brokers.split(',').every(hasPort))
    .optional(),
  kafkaTls: z.enum(['on', 'off']).optional(),
  kafkaCa: z.string().min(1).optional(),
  kafkaCert: z.string().min(1).optional(),
  kafkaKey: z.string().min(1).optional(),
  kafkaSasl: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
  schemaRegistry: z
    .string()
    .regex(/^https?:\/\/[^\s/@]+(\/\S*)?$/)
    .optional(),
})

/** The settings after validation. `partitions` undefined: as the data folder says, else 1. */
export type Settings = Readonly<z.infer<typeof settingsSchema>>

/** Flags, variables and allowed values by setting, in the order in which the reference lists them. */
export const SETTINGS: Readonly<Record<keyof Settings, SettingSpecification>> = {
  dataDir: {
    flag: 'data-dir',
    variable: 'RISKLEDGER_DATA_DIR',
    allowed: 'a path to a folder',
    meaning: 'Folder of the embedded log, ledger and cache. Default `.riskledger`.',
  },
  partitions: {
    flag: 'partitions',
    variable: 'RISKLEDGER_PARTITIONS',
    allowed: 'a whole number from 1 to 1024',
    meaning: 'Number of partitions of a new data folder. Default 1; an existing folder keeps its own.',
  },
  policy: {
    flag: 'policy',
    variable: 'RISKLEDGER_POLICY',
    allowed: 'a path to a policy file',
    meaning: 'Policy document to begin with. Default: the one that ships with RiskLedger.',
  },
  logLevel: {
    flag: 'log-level',
    variable: 'RISKLEDGER_LOG_LEVEL',
    allowed: 'debug, info, warn, error or silent',
    meaning: 'Least severity that is logged, as JSON on standard error. Default `warn`.',
  },
  ledgerPort: {
    flag: 'ledger-port',
    variable: 'RISKLEDGER_LEDGER_PORT',
    allowed: 'a whole number from 0 to 65535',
    meaning: 'Port of the embedded ledger on 127.0.0.1. Default 0: any free one.',
  },
  prefix: {
    flag: 'prefix',
    variable: 'RISKLEDGER_PREFIX',
    allowed: 'a lower-case letter and up to 19 lower-case letters or digits',
    meaning: 'Environment prefix of stream and topic names. Default: none.',
  },
  gatewayHost: {
    flag: 'gateway-host',
    variable: 'RISKLEDGER_GATEWAY_HOST',
    allowed: 'an address of this machine',
    meaning: 'Address that the gateway listens on. Default 127.0.0.1.',
  },
  gatewayPort: {
    flag: 'gateway-port',
    variable: 'RISKLEDGER_GATEWAY_PORT',
    allowed: 'a whole number from 0 to 65535',
    meaning: 'Port of the gateway; 0: any free one. Default 8080.',
  },
  gatewayKeys: {
    flag: 'gateway-keys',
    variable: 'RISKLEDGER_GATEWAY_KEYS',
    allowed: 'a path to a keys file',
    meaning: 'Who may come in at the gateway: a file that `riskledger gateway keys create` writes.',
  },
  gatewayAuth: {
    flag: 'gateway-auth',
    variable: 'RISKLEDGER_GATEWAY_AUTH',
    allowed: 'on or off',
    meaning: 'Whether the gateway asks for keys. `off` only on a loopback address. Default on.',
  },
  gatewayCert: {
    flag: 'gateway-cert',
    variable: 'RISKLEDGER_GATEWAY_CERT',
    allowed: 'a path to a PEM file',
    meaning: "The gateway's certificate chain; with it and its key, the gateway speaks TLS.",
  },
  gatewayKey: {
    flag: 'gateway-key',
    variable: 'RISKLEDGER_GATEWAY_KEY',
    allowed: 'a path to a PEM file',
    meaning: "Private key of the gateway's certificate.",
  },
  healthPort: {
    flag: 'health-port',
    variable: 'RISKLEDGER_HEALTH_PORT',
    allowed: 'a whole number from 1 to 65535',
    meaning: 'Port of `/health/live`, `/health/ready` and `/metrics` of a service that runs alone. Default: none.',
  },
  healthHost: {
    flag: 'health-host',
    variable: 'RISKLEDGER_HEALTH_HOST',
    allowed: 'an address of this machine',
    meaning: 'Address that the health port listens on. Default 127.0.0.1.',
  },
  ledger: {
    flag: 'ledger',
    variable: 'RISKLEDGER_LEDGER',
    allowed: 'a connection string such as esdb://127.0.0.1:2113?tls=false',
    meaning: 'Ledger (EventStoreDB, KurrentDB or another RiskLedger) to use instead of the embedded one.',
  },
  kafka: {
    flag: 'kafka',
    variable: 'RISKLEDGER_KAFKA',
    allowed: 'up to 32 host:port, ports 1 to 65535, separated by commas',
    meaning: 'Brokers of the Kafka cluster that holds the raw topics, instead of the embedded log.',
  },
  kafkaTls: {
    flag: 'kafka-tls',
    variable: 'RISKLEDGER_KAFKA_TLS',
    allowed: 'on or off',
    meaning: 'Whether to speak TLS with the brokers. Default: on where one of the files below or `--kafka-sasl` is given, else off.',
  },
  kafkaCa: {
    flag: 'kafka-ca',
    variable: 'RISKLEDGER_KAFKA_CA',
    allowed: 'a path to a PEM file',
    meaning: "Certificate authority of the brokers' certificates. Default: those of Node.",
  },
  kafkaCert: {
    flag: 'kafka-cert',
    variable: 'RISKLEDGER_KAFKA_CERT',
    allowed: 'a path to a PEM file',
    meaning: 'Client certificate, for clusters that ask for one.',
  },
  kafkaKey: {
    flag: 'kafka-key',
    variable: 'RISKLEDGER_KAFKA_KEY',
    allowed: 'a path to a PEM file',
    meaning: "The client certificate's private key.",
  },
  kafkaSasl: {
    flag: 'kafka-sasl',
    variable: 'RISKLEDGER_KAFKA_SASL',
    allowed: 'plain, scram-sha-256 or scram-sha-512',
    meaning: 'SASL mechanism, with `RISKLEDGER_KAFKA_USERNAME` and `RISKLEDGER_KAFKA_PASSWORD`.',
  },
  schemaRegistry: {
    flag: 'schema-registry',
    variable: 'RISKLEDGER_SCHEMA_REGISTRY',
    allowed: 'an http or https address without user and password',
    meaning: "Registry with the schemas of publishers that use Confluent's framing. Default: none; their records are quarantined.",
  },
}

/** Variables that have no flag, and what each is for; they are read and checked where they are used. */
export const OTHER_VARIABLES: Readonly<Record<string, string>> = {
  RISKLEDGER_CHALLENGE_SECRET:
    'Secret behind random challenges; its SHA-256 stands in the policy. Default: a public test secret; a screener on a cluster warns of it.',
  RISKLEDGER_KAFKA_USERNAME: 'User of `--kafka-sasl`.',
  RISKLEDGER_KAFKA_PASSWORD: 'Password of `--kafka-sasl`. Never a flag: others on the machine can read those.',
  RISKLEDGER_SCHEMA_REGISTRY_USERNAME: 'User of `--schema-registry`, where it asks for one.',
  RISKLEDGER_SCHEMA_REGISTRY_PASSWORD: 'Password of `--schema-registry`.',
  RISKLEDGER_KAFKA_BROKERS: 'For the tests alone: brokers to run the Kafka tests against. No command reads it.',
  RISKLEDGER_DEBUG: 'Set to anything: an error that nobody foresaw is told with its stack.',
  RISKLEDGER_BATCH_INPUTS: 'For tests of recovery: inputs of a batch at most, 1 to 4096. Default 4096. Changes no verdict.',
  RISKLEDGER_SNAPSHOT_INPUTS:
    'For tests of recovery: inputs between two snapshots of a partition, or of relations, 1 to 1000000000. Default 25000, or 2500 journal entries of a partition, 15 s between two, and for partitions 16 MiB of state a second; set, inputs alone count. Changes no verdict.',
  RISKLEDGER_CRASH_AT: 'For tests of recovery: `<point>:<n>` kills the process when it reaches a named point for the n-th time.',
  RISKLEDGER_LEDGER_URL: 'For the tests of the ledger alone: an EventStoreDB to run the contract suite against. No command reads it.',
}
