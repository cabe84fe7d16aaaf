export * from './facts'
export { hashToken } from './token-hash'
export { fingerprint, fingerprintEvent } from './event-fingerprint'
export { CLEARED, FRAUD, LEGITIMATE, LabelQueue, PENDING, type LabelQueueOptions } from './label-queue'
