/** Why a broker and this process did not come together, in words, and where to look. */
export interface AccessFailure {
  readonly what: string
  readonly lookAt: string
}

const USER = 'Look at the SASL user and password (RISKLEDGER_KAFKA_USERNAME, RISKLEDGER_KAFKA_PASSWORD) and at the mechanism (--kafka-sasl)'
const AUTHORITY =
  "Look at the authority that signs the brokers' certificates (--kafka-ca), and at the names under which the brokers are called (--kafka)"
const OWN_CERTIFICATE = 'Look at our own certificate and its key (--kafka-cert, --kafka-key)'

/** Types of Kafka's protocol errors: 33, 34 and 58. */
const SASL_ERRORS: ReadonlySet<unknown> = new Set(['UNSUPPORTED_SASL_MECHANISM', 'ILLEGAL_SASL_STATE', 'SASL_AUTHENTICATION_FAILED'])
/** kafkajs gives whatever ends an authentication the same name: that a connection closed or nobody answered in time says nothing of the user. */
const OUTAGE = /connection|closed|timed out|timeout|disconnect|socket|ECONN/i
/** What Node says of a certificate that it does not take: OpenSSL's X509_V_ERR_* names, and its own for a wrong name. */
const CERTIFICATE_ERROR =
  /^(ERR_TLS_CERT_|CERT_|CRL_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|UNABLE_TO_|INVALID_CA$|INVALID_PURPOSE$|HOSTNAME_MISMATCH$|PATH_LENGTH_EXCEEDED$)/
/** An alert by which the other side refuses our certificate, or the lack of one. */
const CERTIFICATE_ALERT = /^ERR_SSL_.*ALERT.*(CERTIFICATE|UNKNOWN_CA)/

/** Tells from an error of kafkajs whether user, password or certificates are why; null for any other reason. Waiting does not mend these. */
export function accessFailureIn(error: unknown): AccessFailure | null {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    const { name, message } = inner
    const { type, code } = inner as { readonly type?: unknown; readonly code?: unknown }
    if (SASL_ERRORS.has(type) || (name === 'KafkaJSSASLAuthenticationError' && !OUTAGE.test(message)))
      return { what: `the broker refuses the user (${message})`, lookAt: USER }
    if (typeof code !== 'string') continue
    if (CERTIFICATE_ERROR.test(code)) return { what: `the broker's certificate is not trusted (${code})`, lookAt: AUTHORITY }
    if (CERTIFICATE_ALERT.test(code)) return { what: `the broker refuses our certificate (${code})`, lookAt: OWN_CERTIFICATE }
  }
  return null
}
