import { unpackEntries, type EntryPack, type WithData } from './packed-entries'
import { startThread } from './start-thread'

/**
 * Starts a thread that reads for this one and gives what it hands over with `HandOver`, in order; then throws what the thread ended with, if it
 * did not end well. Left early, it stops the thread. A thread takes a tenth of a second to start.
 */
export async function* readAhead<T extends WithData>(
  modulePath: string,
  { name, input }: { readonly name: string; readonly input: unknown },
): AsyncGenerator<T, void, undefined> {
  const queue: EntryPack<T>[] = []
  let wake = (): void => undefined
  let ended = false
  const thread = startThread(modulePath, {
    name,
    input,
    onMessage: (message) => {
      queue.push(message as EntryPack<T>)
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
      const pack = queue.shift()
      if (pack !== undefined) {
        thread.post('taken')
        yield* unpackEntries(pack)
      } else if (ended) break
      else await new Promise<void>((resolve) => (wake = resolve))
    }
    await thread.done
  } finally {
    // How it ended shows above; whoever leaves early wants no more of it.
    await Promise.allSettled([thread.stop()])
  }
}
