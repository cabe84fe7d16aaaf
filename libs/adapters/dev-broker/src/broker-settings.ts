import { securedSettings, type SecuredPort } from './secured-listener'

/** One node among those of its cluster. */
export interface NodeAddress {
  readonly id: number
  /** Ports at 127.0.0.1: of clients, and of the quorum of controllers. */
  readonly port: number
  readonly controllerPort: number
  /** A second port for clients, to whom the node gives itself out under another: where a proxy stands before it. */
  readonly proxied?: ProxiedPort
  /** A second port for clients, with TLS and SASL. */
  readonly secured?: SecuredPort
}

/** A port that a node listens on, and the port of the proxy that passes connections on to it, both at 127.0.0.1. */
export interface ProxiedPort {
  readonly port: number
  readonly advertisedPort: number
}

/** Where a node keeps its files, and with whom it works. */
export interface BrokerSettingsOptions {
  readonly nodes: readonly NodeAddress[]
  readonly dataFolder: string
  /** Where the keystore of a secured port lies. */
  readonly folder: string
}

/**
 * The `server.properties` of one node, in KRaft mode, broker and controller in one. What differs from Kafka's defaults fits one machine: loopback
 * only, small buffers, few threads, and shorter times until a lost node is noticed. With three nodes every topic gets three replicas, of which two
 * must have a record before it is acknowledged.
 */
export function brokerSettings(node: NodeAddress, { nodes, dataFolder, folder }: BrokerSettingsOptions): string {
  const replicas = nodes.length
  const inSync = replicas > 1 ? 2 : 1
  const settings: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(','),
    listeners: listeners(node, (proxied) => proxied.port, `CONTROLLER://127.0.0.1:${node.controllerPort}`),
    'advertised.listeners': listeners(node, (proxied) => proxied.advertisedPort),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,SECURED:SASL_SSL,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': dataFolder,
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 4,
    // Its default of 128 MiB would be most of the heap.
    'log.cleaner.dedupe.buffer.size': 4 * 1024 * 1024,
    ...(node.secured === undefined ? {} : securedSettings(node.secured, { folder })),
  }
  if (replicas > 1) {
    settings['broker.heartbeat.interval.ms'] = 500
    settings['broker.session.timeout.ms'] = 4_000
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${propertyValue(String(value))}\n`)
    .join('')
}

function listeners({ port, proxied, secured }: NodeAddress, portOf: (proxied: ProxiedPort) => number, ...more: readonly string[]): string {
  const others = [
    ...(proxied === undefined ? [] : [`PROXIED://127.0.0.1:${portOf(proxied)}`]),
    ...(secured === undefined ? [] : [`SECURED://127.0.0.1:${secured.port}`]),
  ]
  return [`PLAINTEXT://127.0.0.1:${port}`, ...others, ...more].join(',')
}

/**
 * A value as a properties file of Java writes it (java.util.Properties, "load"): it is read as ISO 8859-1, a backslash begins an escape, and blanks before
 * the value are left out.
 */
export function propertyValue(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(/^ /, '\\ ')
}

/** How a node logs: into its folder, at most two files of 8 MiB. */
export function logSettings(folder: string): string {
  const shown = propertyValue(folder)
  return [
    'status=error',
    'rootLogger.level=info',
    'rootLogger.appenderRef.file.ref=FILE',
    'appender.file.type=RollingFile',
    'appender.file.name=FILE',
    `appender.file.fileName=${shown}/server.log`,
    `appender.file.filePattern=${shown}/server.%i.log`,
    'appender.file.layout.type=PatternLayout',
    'appender.file.layout.pattern=%d{ISO8601} %p %c{1} %m%n',
    'appender.file.policies.type=Policies',
    'appender.file.policies.size.type=SizeBasedTriggeringPolicy',
    'appender.file.policies.size.size=8MB',
    'appender.file.strategy.type=DefaultRolloverStrategy',
    'appender.file.strategy.max=1',
    '',
  ].join('\n')
}
