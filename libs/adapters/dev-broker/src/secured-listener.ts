import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import { runToEnd } from './run-to-end'

const KEYTOOL_LIMIT_MS = 60_000
/** It guards nothing: whoever reads the keystore can read this. */
const STORE_PASSWORD = 'riskledger'
const STORE_FILE = 'secured.p12'
const CERTIFICATE_FILE = 'secured.pem'

/** A port of a node where clients come in with TLS and a user of SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. */
export interface SecuredPort {
  readonly port: number
  /** The one user, known to every mechanism. Letters, digits, `_` and `-`, as the password. */
  readonly username: string
  readonly password: string
}

/** Throws `configuration-invalid` where the user would not survive Kafka's settings. */
export function refuseBadUser({ username, password }: SecuredPort): void {
  if ([username, password].every((text) => /^[A-Za-z0-9_-]{1,64}$/.test(text))) return
  throw new RiskError(
    'configuration-invalid',
    'User and password of a secured port have 1 to 64 letters, digits, _ and -: they stand in settings of Kafka.',
    {
      retriable: false,
    },
  )
}

/** The settings of a node for its listener SECURED, whose keystore lies in this folder. */
export function securedSettings({ username, password }: SecuredPort, { folder }: { readonly folder: string }): Record<string, string> {
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const settings = {
    'ssl.keystore.location': join(folder, STORE_FILE),
    'ssl.keystore.password': STORE_PASSWORD,
    'ssl.keystore.type': 'PKCS12',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`,
    'scram-sha-256.sasl.jaas.config': scram,
    'scram-sha-512.sasl.jaas.config': scram,
  }
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`listener.name.secured.${name}`, value]))
}

/** What the storage of a node is formatted with, so that it knows the user from its first start on: SCRAM keeps its users in Kafka's own metadata. */
export function scramArguments({ username, password }: SecuredPort): readonly string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${username},password=${password}]`])
}

/** Makes the node's key and its certificate, for 127.0.0.1 and localhost and signed by itself, unless the folder has them. */
export async function makeKeystore(
  folder: string,
  { java, signal }: { readonly java: string; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const certificate = join(folder, CERTIFICATE_FILE)
  if (existsSync(certificate)) return
  mkdirSync(folder, { recursive: true })
  const keytool = join(dirname(realpathSync(java)), 'keytool')
  const store = ['-keystore', join(folder, STORE_FILE), '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD, '-alias', 'broker']
  const run = (args: readonly string[]): Promise<void> =>
    runToEnd(keytool, {
      args: [...args, ...store],
      timeoutMs: KEYTOOL_LIMIT_MS,
      signal,
      failure: `No certificate could be made in ${folder}`,
    })
  const key = ['-genkeypair', '-keyalg', 'EC', '-groupname', 'secp256r1', '-dname', 'CN=127.0.0.1', '-validity', '3650']
  await run([...key, '-ext', 'san=ip:127.0.0.1,dns:localhost'])
  await run(['-exportcert', '-rfc', '-file', certificate])
}

/** The certificate of a node, in PEM: to whom clients have to trust. */
export function readCertificate(folder: string): string {
  return readFileSync(join(folder, CERTIFICATE_FILE), 'utf8')
}
