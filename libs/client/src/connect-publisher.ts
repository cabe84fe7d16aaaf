import { openKafkaPublisher, type KafkaConnection } from '@riskledger/kafka'
import { deliveryOf } from './delivery'
import { DeliveryQueue } from './delivery-queue'
import { HttpGateway, type HttpGatewayOptions } from './http-gateway'
import { httpTransport } from './http-transport'
import { kafkaTransport } from './kafka-transport'
import { publisherOver, type Publisher, type PublisherOptions } from './publisher'
import { SourceSequence } from './source-sequence'

/** How a publisher reaches Kafka. */
export interface KafkaPublisherSettings extends PublisherOptions, Partial<Omit<KafkaConnection, 'brokers'>> {
  /** `host:port` of some of the cluster's brokers. */
  readonly brokers: readonly string[]
}

/** How a publisher reaches a gateway. */
export interface HttpPublisherSettings extends PublisherOptions, HttpGatewayOptions {}

/** Connects to publish straight to Kafka. Throws `configuration-invalid` and `log-unavailable`. */
export async function connectPublisher(settings: KafkaPublisherSettings): Promise<Publisher> {
  const { brokers, clientId = settings.source, prefix = '', ssl, sasl, connectionTimeoutMs, requestTimeoutMs } = settings
  const options = deliveryOf(deliverySettings(settings))
  const given = { ssl, sasl, connectionTimeoutMs, requestTimeoutMs }
  const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<KafkaConnection>
  const sequence = await SourceSequence.open(settings.source, settings.sequences, settings)
  const kafka = await openKafkaPublisher({ connection: { brokers, clientId, prefix, ...stated } })
  return publisherOver(new DeliveryQueue(kafkaTransport(kafka), options), { sequence, stamp: stampOf(settings) })
}

/** Connects to publish through a gateway. Asks nothing yet: what is wrong with address or key shows at the first event. */
export async function connectHttpPublisher(settings: HttpPublisherSettings): Promise<Publisher> {
  const options = deliveryOf(deliverySettings(settings))
  const sequence = await SourceSequence.open(settings.source, settings.sequences, settings)
  return publisherOver(new DeliveryQueue(httpTransport(new HttpGateway(settings)), options), { sequence, stamp: stampOf(settings) })
}

function stampOf({ source, nowMs = Date.now }: PublisherOptions): { readonly source: string; readonly nowMs: () => number } {
  return { source, nowMs }
}

function deliverySettings(settings: PublisherOptions): Parameters<typeof deliveryOf>[0] {
  const { batchEvents, batchBytes, lingerMs, maxQueuedEvents, maxQueuedBytes, deliveryTimeoutMs, retryMs, maxRetryMs } = settings
  const given = { batchEvents, batchBytes, lingerMs, maxQueuedEvents, maxQueuedBytes, deliveryTimeoutMs, retryMs, maxRetryMs }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
