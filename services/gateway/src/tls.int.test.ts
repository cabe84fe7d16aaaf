import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { GatewayBench } from './testing/gateway-bench'
import { SELF_SIGNED } from './testing/self-signed'

let bench: GatewayBench
beforeEach(() => {
  bench = new GatewayBench()
})
afterEach(() => bench.close())

const newKey = (cipher?: { readonly cipher: string; readonly passphrase: string }): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }) as string

test('with a certificate it answers over https to who trusts that one, and nobody over plain http', async () => {
  const { url } = await bench.open({ tls: SELF_SIGNED })
  expect(url).toMatch(/^https:/)
  const [answer] = (await once(get(`${url}/health/live`, { ca: SELF_SIGNED.cert, agent: false }), 'response')) as [IncomingMessage]
  expect(answer.statusCode).toBe(200)
  answer.resume()
  await once(answer, 'end')
  await expect(once(get(`${url}/health/live`, { agent: false }), 'response')).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  const plain = request(`${url.replace('https:', 'http:')}/health/live`, { agent: false }).end()
  await expect(once(plain, 'response')).rejects.toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE|HPE_\w+)$/) })
})

test.each([
  ['a text that is no certificate', { ...SELF_SIGNED, cert: 'hello' }, '--gateway-cert holds no certificate'],
  ['an empty certificate', { ...SELF_SIGNED, cert: '' }, '--gateway-cert holds no certificate'],
  ['a key for a certificate', { ...SELF_SIGNED, cert: SELF_SIGNED.key }, '--gateway-cert holds no certificate'],
  ['a chain that is cut off', { ...SELF_SIGNED, cert: SELF_SIGNED.cert + SELF_SIGNED.cert.slice(0, 100) }, 'The chain of --gateway-cert'],
  ['an empty key', { ...SELF_SIGNED, key: '' }, '--gateway-key holds no private key'],
  ['a certificate for a key', { ...SELF_SIGNED, key: SELF_SIGNED.cert }, '--gateway-key holds no private key'],
  [
    'a key with a passphrase',
    { ...SELF_SIGNED, key: newKey({ cipher: 'aes-256-cbc', passphrase: 'x' }) },
    '--gateway-key holds no private key',
  ],
  ['the key of another', { ...SELF_SIGNED, key: newKey() }, 'The key of --gateway-key is not that of the certificate of --gateway-cert'],
])('%s is refused, and the flag is named', async (_name, tls, message) => {
  await expect(bench.open({ tls })).rejects.toMatchObject({
    code: 'configuration-invalid',
    retriable: false,
    message: expect.stringContaining(message),
  })
})
