import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { runCommand, runJson } from '../testing/run-command'
import { temporaryFolder } from '../testing/small-scenario'

const IDS = ['0192f3c4-5b6a-7c8d-9e0f-000000000001', '0192f3c4-5b6a-7c8d-9e0f-000000000002', '0192f3c4-5b6a-7c8d-9e0f-000000000003']
const FROM_MS = 1_778_697_618_000

function payment(index: number): string {
  return JSON.stringify({
    topic: 'payments',
    event: { ...MINIMAL_EVENTS.payments, eventId: IDS[index], paymentId: `p-${index}`, eventTimeMs: FROM_MS + index },
  })
}

function answer(index: number, fallback: boolean): string {
  const told = { inputEventId: IDS[index], verdict: 'allow', fallback, latencyMs: fallback ? 150 : 12, deadlineMs: 150 }
  const eventId = IDS[index].replace('0192f3c4', '0192f3c5')
  return JSON.stringify({ topic: 'answers', event: { ...MINIMAL_EVENTS.answers, ...told, eventId, eventTimeMs: FROM_MS + 100 + index } })
}

test('explain tells what a caller who waited was told, and nothing where nobody waited; replay and verify find it whole', async () => {
  const folder = await temporaryFolder()
  try {
    const file = join(folder.path, 'events.ndjson')
    const data = ['--data-dir', join(folder.path, 'data')]
    await writeFile(file, `${[payment(0), payment(1), payment(2), answer(0, false), answer(1, true)].join('\n')}\n`)
    expect((await runJson('screen', file, ...data)).value).toMatchObject({ inputs: 5, screened: 3, observed: 2 })
    const { value } = await runJson<{ answer: { revision: number } }>('explain', IDS[0], ...data)
    expect(value.answer).toEqual({ verdict: 'allow', fallback: false, latencyMs: 12, revision: expect.any(Number) as number })
    expect((await runCommand('explain', IDS[0], ...data)).out).toContain('Its caller waited and was told allow after 12 ms.')
    expect((await runCommand('explain', '2', ...data)).out).toContain('told allow after 150 ms, as the fallback: the deadline passed')
    expect((await runJson('explain', IDS[2], ...data)).value).toMatchObject({ answer: null })
    expect((await runCommand('explain', IDS[2], ...data)).out).not.toContain('caller')
    expect((await runJson('explain', '4', ...data)).value).toMatchObject({ subject: { topic: 'answers' }, answer: null })
    expect((await runCommand('replay', ...data)).code).toBe(0)
    expect((await runCommand('verify', ...data)).code).toBe(0)
  } finally {
    await folder.remove()
  }
})

test('of an event that came again too late to be known, explain tells the first, and that it came again', async () => {
  const folder = await temporaryFolder()
  try {
    const file = join(folder.path, 'events.ndjson')
    const data = ['--data-dir', join(folder.path, 'data')]
    const event = { ...MINIMAL_EVENTS.payments, eventTimeMs: FROM_MS }
    const line = (given: object): string => JSON.stringify({ topic: 'payments', event: { ...event, ...given } })
    const monthLater = { eventId: IDS[1], paymentId: 'p-1', eventTimeMs: FROM_MS + 30 * 86_400_000 }
    const lines = [line({ eventId: IDS[0] }), line(monthLater), line({ eventId: IDS[0], amountMinor: 1, amountReferenceMinor: 1 })]
    await writeFile(file, `${lines.join('\n')}\n`)
    expect((await runJson('screen', file, ...data)).value).toMatchObject({ inputs: 3, screened: 2, late: 1 })
    const { value } = await runJson('explain', IDS[0], ...data)
    expect(value).toMatchObject({ status: 'screened', position: { sequence: 1 }, again: { status: 'late', sequence: 3 } })
    expect((await runCommand('explain', IDS[0], ...data)).out).toContain('It came again as sequence 3, too late for a verdict.')
    expect((await runJson('explain', '3', ...data)).value).toMatchObject({ status: 'late', again: null })
  } finally {
    await folder.remove()
  }
})
