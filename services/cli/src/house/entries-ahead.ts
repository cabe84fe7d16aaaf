import type { CheckedEntry } from '@riskledger/journal'
import { startThread, threadModule } from '@riskledger/runtime'
import type { JournalMessage, JournalThreadInput } from '../threads/journal-thread'
import { unpackEntries } from '../threads/packed-entries'

const JOURNAL_THREAD = threadModule(__dirname, { source: '../threads/journal-thread.ts', bundled: 'journal-thread' })

/**
 * The same as `checkedEntries` from a journal's beginning, read, inflated and checked by a thread of its own, a few packs ahead. Worth its start,
 * a tenth of a second, for journals of some ten thousand inputs or more.
 */
export async function* entriesAhead(input: JournalThreadInput): AsyncGenerator<CheckedEntry, void, undefined> {
  const queue: JournalMessage[] = []
  let wake = (): void => undefined
  let ended = false
  const thread = startThread(JOURNAL_THREAD, {
    name: 'journal',
    input,
    onMessage: (message) => {
      queue.push(message as JournalMessage)
      wake()
    },
  })
  const end = (): void => {
    ended = true
    wake()
  }
  thread.done.then(end, end)
  try {
    for (;;) {
      const message = queue.shift()
      if (message === undefined) {
        if (ended) break
        await new Promise<void>((resolve) => (wake = resolve))
      } else if (message.kind === 'faulty') {
        const { revision, reason } = message
        yield { revision, opened: { kind: 'faulty', reason } }
        return
      } else {
        thread.post('taken')
        for (const entry of unpackEntries(message.pack)) yield { revision: entry.revision, opened: { kind: 'whole', entry } }
      }
    }
    await thread.done
  } finally {
    // How it ended shows above; whoever leaves early wants no more of it.
    await Promise.allSettled([thread.stop()])
  }
}
