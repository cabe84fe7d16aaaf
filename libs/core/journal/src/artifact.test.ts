import { encodeLedgerAvro } from '@riskledger/events'
import { MemoryLedger } from '@riskledger/testing'
import { artifactEntries, artifactHash, loadArtifact, storeArtifact } from './artifact'
import { artifactStream } from './streams'

const POLICY = { bytes: Buffer.from('{"formatVersion":1}'), mediaType: 'application/json' }

function large(lengthBytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: lengthBytes }, (_, i) => (i * 31 + (i >> 8)) & 255))
}

test('comes back by its hash, in as many chunks as it needs', async () => {
  for (const lengthBytes of [0, 1, 512 * 1024, 512 * 1024 + 1, 1_300_000]) {
    const ledger = new MemoryLedger()
    const bytes = large(lengthBytes)
    const hash = await storeArtifact(ledger, { bytes, mediaType: 'text/javascript' })
    expect(hash).toBe(artifactHash(bytes))
    expect(ledger.entriesOf(artifactStream(hash))).toHaveLength(Math.max(1, Math.ceil(lengthBytes / (512 * 1024))))
    const loaded = await loadArtifact(ledger, hash)
    expect(loaded.mediaType).toBe('text/javascript')
    expect(Buffer.compare(loaded.bytes, bytes)).toBe(0)
  }
})

test('a chunk has the bytes that the generated codec of its schema gives, and a lasting id', () => {
  const bytes = large(600_000)
  const entries = artifactEntries({ bytes, mediaType: 'text/javascript' })
  entries.forEach((entry, chunk) => {
    const part = { chunk, chunks: 2, mediaType: 'text/javascript', bytes: bytes.subarray(chunk * 512 * 1024, (chunk + 1) * 512 * 1024) }
    expect(Buffer.compare(entry.data, encodeLedgerAvro('ArtifactStored', part).subarray(10))).toBe(0)
  })
  expect(artifactEntries(POLICY).map(({ id }) => id)).toEqual(['c05ef424-8c0c-588d-94dc-213a5a10d397'])
})

test('storing again changes nothing, and goes on after a crash between two chunks', async () => {
  const ledger = new MemoryLedger()
  const artifact = { bytes: large(1_300_000), mediaType: 'text/javascript' }
  await storeArtifact(ledger, artifact)
  await storeArtifact(ledger, artifact)
  expect(ledger.all).toHaveLength(3)
  const crashed = ledger.copy(1)
  await expect(loadArtifact(crashed, artifactHash(artifact.bytes))).rejects.toMatchObject({ code: 'ledger-corrupt', retriable: false })
  await storeArtifact(crashed, artifact)
  expect(crashed.all.map(({ id }) => id)).toEqual(ledger.all.map(({ id }) => id))
})

test('what is missing is not found; what is altered or no artifact at all is corrupt, with its place', async () => {
  const ledger = new MemoryLedger()
  const hash = await storeArtifact(ledger, POLICY)
  await expect(loadArtifact(ledger, 'f'.repeat(64))).rejects.toMatchObject({ code: 'stream-not-found' })
  const { data } = ledger.entriesOf(artifactStream(hash))[0]
  for (let at = 0; at < data.length; at++) {
    for (const by of [1, 0x80, 0xff]) {
      const damaged = new MemoryLedger()
      const bytes = Uint8Array.from(data)
      bytes[at] ^= by
      await damaged.append(artifactStream(hash), 'no-stream', [{ ...artifactEntries(POLICY)[0], data: bytes }])
      // The media type is beside the hash.
      const loading = loadArtifact(damaged, hash).then((loaded) => Buffer.compare(loaded.bytes, POLICY.bytes) === 0 && loaded.mediaType)
      if (at > 2 && at <= 2 + POLICY.mediaType.length) expect(await loading).not.toBe(POLICY.mediaType)
      else await expect(loading).rejects.toMatchObject({ code: 'ledger-corrupt', context: { stream: artifactStream(hash) } })
    }
  }
})

test('more than 64 MiB is refused', async () => {
  const storing = storeArtifact(new MemoryLedger(), { bytes: Buffer.alloc(64 * 1024 * 1024 + 1), mediaType: 'x' })
  await expect(storing).rejects.toMatchObject({ code: 'limit-reached' })
})
