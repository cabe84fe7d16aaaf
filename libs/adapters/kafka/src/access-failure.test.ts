import { accessFailureIn } from './access-failure'

const failing = (code: string, cause?: Error): Error => Object.assign(new Error('Connection error', { cause }), { code })

test.each([
  ['ERR_TLS_CERT_ALTNAME_INVALID', '--kafka-ca'],
  ['CERT_HAS_EXPIRED', '--kafka-ca'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', '--kafka-ca'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', '--kafka-cert'],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', '--kafka-cert'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', '--kafka-cert'],
])('%s is told with %s, however deep it lies', (code, setting) => {
  const wrapped = new Error('retries exceeded', { cause: new Error('outer', { cause: failing(code) }) })
  const failure = accessFailureIn(wrapped)
  expect(failure?.what).toContain(code)
  expect(failure?.lookAt).toContain(setting)
})

test.each([failing('ECONNREFUSED'), failing('ECONNRESET', failing('ETIMEDOUT')), new Error('plain'), 'no error', undefined])(
  'what may pass is none: %p',
  (error) => {
    expect(accessFailureIn(error)).toBeNull()
  },
)
