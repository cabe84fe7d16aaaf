import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { RiskError } from '@riskledger/contracts'
import type { GatewayOptions } from './gateway-options'

/**
 * Refuses, with `configuration-invalid` and the flag that brought it, a certificate chain or a private key that is none in PEM, and two that do not belong
 * together. An empty text is none: left to itself, TLS would start with it and fail every caller.
 */
export function assertTls({ cert, key }: NonNullable<GatewayOptions['tls']>): void {
  const certificate = certificateOf(cert)
  if (!certificate.checkPrivateKey(privateKeyOf(key)))
    throw invalid('The key of --gateway-key is not that of the certificate of --gateway-cert. Name the pair that was made together.')
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw invalid(
      `The chain of --gateway-cert cannot serve TLS (${(cause as Error).message}). Name a file of whole PEM certificates.`,
      cause,
    )
  }
}

function certificateOf(cert: string): X509Certificate {
  try {
    return new X509Certificate(cert)
  } catch (cause) {
    throw invalid('The file of --gateway-cert holds no certificate. It is a chain in PEM, that of the gateway first.', cause)
  }
}

function privateKeyOf(key: string): KeyObject {
  try {
    return createPrivateKey(key)
  } catch (cause) {
    throw invalid('The file of --gateway-key holds no private key that can be read. It is in PEM, without a passphrase.', cause)
  }
}

function invalid(message: string, cause?: unknown): RiskError {
  return new RiskError('configuration-invalid', message, { retriable: false, ...(cause === undefined ? {} : { cause }) })
}
