import { DamagedRecordError } from './append-record'
import { AllCursor, StreamCursor } from './event-cursor'
import { LedgerBook, type AppendOutcome, type LedgerCrashPoint } from './ledger-book'
import { PowerLossStorage } from './power-loss-storage'
import { builtRecord, testEvent } from './test-requests'

function bookOn(storage: PowerLossStorage, crashPoint: (name: LedgerCrashPoint) => void = () => undefined): LedgerBook {
  return new LedgerBook({ storage, crashPoint, recentBytes: 1024 * 1024, idempotencyWindowBytes: 64 * 1024 })
}

const events = (...ids: number[]) => builtRecord('s', ids.map(testEvent))
const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Whether a promise has ended by now. */
async function ended(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open')
  await turns()
  return (await Promise.race([promise, Promise.resolve(open)])) !== open
}

/** Appends and flushes. */
async function settled(storage: PowerLossStorage, append: Promise<AppendOutcome>): Promise<AppendOutcome> {
  while (!(await ended(append))) storage.flush()
  return append
}

describe('durability', () => {
  test('an append is answered only once it is flushed', async () => {
    const storage = new PowerLossStorage()
    const append = bookOn(storage).append('s', { kind: 'no-stream' }, events(1, 2))
    expect(await ended(append)).toBe(false)
    expect(storage.unflushedTransactions).toBe(1)
    storage.flush()
    expect(await append).toEqual({ kind: 'appended', revision: 1, position: 2 })
  })

  test('an append is shown only once it is flushed, whichever way it is asked for', async () => {
    const storage = new PowerLossStorage()
    const book = bookOn(storage)
    await settled(storage, book.append('s', { kind: 'no-stream' }, events(1, 2)))
    await settled(storage, book.append('s', { kind: 'exact', revision: 1 }, events(3)))
    const third = book.append('s', { kind: 'exact', revision: 2 }, events(4, 5))
    await turns()
    expect([0, 1, 2, 3, 4, 5].map((revision) => book.visibleAppend('s', revision)?.firstRevision)).toEqual([
      0,
      0,
      2,
      undefined,
      undefined,
      undefined,
    ])
    await settled(storage, third)
    const reborn = bookOn(storage)
    for (const revision of [0, 1, 2, 3, 4, 5]) {
      const view = book.visibleAppend('s', revision)
      expect(view?.firstRevision).toBe([0, 0, 2, 3, 3, undefined][revision])
      expect(view?.bytes).toEqual(reborn.visibleAppend('s', revision)?.bytes)
    }
  })

  test('what memory has no room for is read from the store, and shown alike', async () => {
    const storage = new PowerLossStorage()
    const book = new LedgerBook({ storage, crashPoint: () => undefined, recentBytes: 1, idempotencyWindowBytes: 0 })
    for (const stream of ['s', 't', 's']) {
      const expected =
        stream === 's' && book.visibleAppend('s', 0) !== undefined
          ? ({ kind: 'exact', revision: 0 } as const)
          : ({ kind: 'no-stream' } as const)
      await settled(storage, book.append(stream, expected, builtRecord(stream, [testEvent(storage.lastStreamNumber() + 10)])))
    }
    const reborn = bookOn(storage)
    for (const [stream, revision] of [
      ['s', 0],
      ['s', 1],
      ['s', 2],
      ['t', 0],
      ['t', 1],
    ] as const) {
      expect(book.visibleAppend(stream, revision)?.bytes).toEqual(reborn.visibleAppend(stream, revision)?.bytes)
    }
    expect(book.visibleAppend('s', 1)?.firstPosition).toBe(3)
    expect(book.visibleAppend('t', 0)?.firstPosition).toBe(2)
  })

  test('what was acknowledged survives a power loss, what was not may be sent again', async () => {
    for (let lostAfter = 0; lostAfter < 8; lostAfter++) {
      const storage = new PowerLossStorage()
      const book = bookOn(storage)
      const acknowledged: number[] = []
      for (let i = 0; i < 8; i++) {
        const append = book.append('s', i === 0 ? { kind: 'no-stream' } : { kind: 'exact', revision: i - 1 }, events(i))
        append.then(() => acknowledged.push(i)).catch(() => undefined)
        await turns()
        if (i < lostAfter) storage.flush()
      }
      await turns()
      const after = storage.afterPowerLoss()
      const reborn = bookOn(after)
      const kept = reborn.lastVisibleAppend('s')?.lastRevision ?? -1
      expect(kept).toBeGreaterThanOrEqual(acknowledged.length - 1)
      for (const i of acknowledged) expect(reborn.visibleAppend('s', i)?.sameId(0, reborn.view(i + 1), 0)).toBe(true)
      for (let i = 0; i < 8; i++) {
        const again = await settled(
          after,
          reborn.append('s', i === 0 ? { kind: 'no-stream' } : { kind: 'exact', revision: i - 1 }, events(i)),
        )
        expect(again).toEqual({ kind: 'appended', revision: i, position: i + 1 })
      }
    }
  })

  test('readers see nothing that a power loss could take away', async () => {
    const storage = new PowerLossStorage()
    const book = bookOn(storage)
    let advances = 0
    book.onVisible(() => advances++)
    const append = book.append('s', { kind: 'no-stream' }, events(1))
    await turns()
    expect([book.visiblePosition, book.lastVisibleAppend('s'), book.visibleAppendNear(1, 'forwards'), advances]).toEqual([
      0,
      undefined,
      undefined,
      0,
    ])
    storage.flush()
    await append
    expect([book.visiblePosition, book.lastVisibleAppend('s')?.lastRevision, advances]).toEqual([1, 0, 1])
  })

  test('a repetition of an append that is under way waits for the same flush', async () => {
    const storage = new PowerLossStorage()
    const book = bookOn(storage)
    const first = book.append('s', { kind: 'no-stream' }, events(1))
    const again = book.append('s', { kind: 'no-stream' }, events(1))
    expect(await ended(again)).toBe(false)
    storage.flush()
    expect(await Promise.all([first, again])).toEqual([
      { kind: 'appended', revision: 0, position: 1 },
      { kind: 'appended', revision: 0, position: 1 },
    ])
  })

  test('appends that arrive together share one transaction', async () => {
    const storage = new PowerLossStorage()
    const book = bookOn(storage)
    const all = Array.from({ length: 50 }, (_, i) => book.append(`s-${i}`, { kind: 'no-stream' }, builtRecord(`s-${i}`, [testEvent(i)])))
    await turns()
    expect(storage.unflushedTransactions).toBe(1)
    storage.flush()
    await Promise.all(all)
  })

  test('the crash points are passed in order', async () => {
    const storage = new PowerLossStorage()
    const passed: string[] = []
    await settled(storage, bookOn(storage, (name) => passed.push(name)).append('s', { kind: 'no-stream' }, events(1)))
    expect(passed).toEqual(['ledger-append-received', 'ledger-append-committed', 'ledger-append-flushed'])
  })
})

describe('a write that fails', () => {
  test('fails every append decided on it, stores nothing of them, and the same appends succeed later', async () => {
    const storage = new PowerLossStorage()
    const book = bookOn(storage)
    await settled(storage, book.append('s', { kind: 'no-stream' }, events(1)))
    storage.failNextWrite(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
    const first = book.append('s', { kind: 'exact', revision: 0 }, events(2))
    const second = book.append('s', { kind: 'exact', revision: 1 }, events(3))
    await expect(first).rejects.toThrow('no space left')
    await expect(second).rejects.toThrow('no space left')
    expect(await settled(storage, book.append('s', { kind: 'exact', revision: 0 }, events(2)))).toEqual({
      kind: 'appended',
      revision: 1,
      position: 2,
    })
    expect(await settled(storage, book.append('s', { kind: 'exact', revision: 1 }, events(3)))).toEqual({
      kind: 'appended',
      revision: 2,
      position: 3,
    })
  })
})

describe('any revision and an existing stream', () => {
  const any = { kind: 'any' } as const
  test('all ids known: success again; the first unknown: all appended; the first known and a later one not: wrong expected version', async () => {
    const storage = new PowerLossStorage()
    const book = bookOn(storage)
    const append = (...ids: number[]) => settled(storage, book.append('s', any, events(...ids)))
    expect(await append(1, 2)).toEqual({ kind: 'appended', revision: 1, position: 2 })
    expect(await append(1, 2)).toEqual({ kind: 'appended', revision: 1, position: 2 })
    expect(await append(3, 1)).toEqual({ kind: 'appended', revision: 3, position: 4 })
    expect(await append(2, 9)).toEqual({ kind: 'wrong-expected-version', current: 3 })
  })

  test('a stream must exist where one is expected', async () => {
    const storage = new PowerLossStorage()
    const book = bookOn(storage)
    expect(await settled(storage, book.append('s', { kind: 'stream-exists' }, events(1)))).toEqual({
      kind: 'wrong-expected-version',
      current: null,
    })
    await settled(storage, book.append('s', any, events(1)))
    expect(await settled(storage, book.append('s', { kind: 'stream-exists' }, events(2)))).toMatchObject({ revision: 1 })
  })
})

describe('a row that the index has lost', () => {
  class HoledStorage extends PowerLossStorage {
    lost = -1

    override appendAtOrBefore(...[streamNumber, revision]: Parameters<PowerLossStorage['appendAtOrBefore']>) {
      const found = super.appendAtOrBefore(streamNumber, revision)
      return found?.firstRevision === this.lost ? super.appendAtOrBefore(streamNumber, this.lost - 1) : found
    }
  }

  /** A stream of three appends, @0, @1-2 and @3, of which the index has lost the one that begins at `lost`; nothing of it is in memory. */
  async function holed(lost: number): Promise<LedgerBook> {
    const storage = new HoledStorage()
    const book = bookOn(storage)
    await settled(storage, book.append('s', { kind: 'no-stream' }, events(1)))
    await settled(storage, book.append('s', { kind: 'exact', revision: 0 }, events(2, 3)))
    await settled(storage, book.append('s', { kind: 'exact', revision: 2 }, events(4)))
    storage.lost = lost
    return bookOn(storage)
  }

  test.each([
    [0, 0],
    [1, 1],
    [1, 2],
  ])('the append at %i: revision %i is missed, not taken for the end', async (lost, revision) => {
    const book = await holed(lost)
    expect(() => book.visibleAppend('s', revision)).toThrow(DamagedRecordError)
    expect(() => book.visibleAppend('s', revision)).toThrow(`stream s: revision ${revision} is missing from the index`)
    expect(book.visibleAppend('s', 3)?.firstRevision).toBe(3)
    expect(book.visibleAppend('s', 4)).toBeUndefined()
  })

  test('a read of $all meets it, too', async () => {
    const cursor = new AllCursor(await holed(1), { position: 1, direction: 'forwards' })
    expect(cursor.next()?.view.firstRevision).toBe(0)
    expect(() => cursor.next()).toThrow('stream s: revision 1 is missing from the index, and the record at position 2 holds it')
  })

  test.each([
    ['forwards', 0],
    ['backwards', 3],
  ] as const)('a read %s ends at it with an error', async (direction, revision) => {
    const cursor = new StreamCursor(await holed(1), 's', { revision, direction })
    expect(cursor.next()?.view.firstRevision).toBe(revision)
    expect(() => cursor.next()).toThrow(DamagedRecordError)
  })
})
