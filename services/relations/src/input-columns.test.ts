import fc from 'fast-check'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import { emptyQueuedInput, InputColumns, type InputSource, type QueuedInput } from './input-columns'

interface Waiting {
  readonly input: QueuedInput
  readonly epoch: number
}

const input = fc.record({
  from: fc.nat(2 ** 24),
  length: fc.nat(65_536),
  topic: fc.nat(255),
  status: fc.constantFrom('screened', 'observed', 'late'),
  habitDistanceCenti: fc.option(fc.maxSafeInteger()),
})

/** What happens to a queue: a batch of inputs of one entry comes, or everything up to an epoch goes. */
const steps = fc.array(
  fc.oneof(
    fc.record({ batch: fc.array(input, { maxLength: 40 }), times: fc.constantFrom(1, 1, 30), epoch: fc.nat(20) }),
    fc.record({ through: fc.nat(20) }),
    fc.constant('restart' as const),
  ),
  { maxLength: 25 },
)

test('gives back what was put in, in order, as a plain array would, however it grows and empties', () => {
  fc.assert(
    fc.property(steps, (happening) => {
      let columns = new InputColumns()
      const plain: Waiting[] = []
      const scratch = emptyQueuedInput()
      for (const [revision, step] of happening.entries()) {
        if (step === 'restart') columns = copyOf(columns)
        else if ('through' in step) {
          while (plain.length > 0 && plain[0].epoch <= step.through) expect(columns.shift(step.through)).toEqual(plain.shift()!.input)
          expect(columns.shift(step.through)).toBeNull()
        } else {
          const source: InputSource = { stream: 's', revision, data: new Uint8Array(0) }
          for (let i = 0; i < step.times; i++) {
            for (const one of step.batch) {
              plain.push({ input: { source, ...one }, epoch: step.epoch })
              columns.push(Object.assign(scratch, { source }, one), step.epoch)
            }
          }
        }
        expect(columns.firstEpoch).toBe(plain.length > 0 ? plain[0].epoch : Infinity)
      }
      for (const { input: expected } of plain) expect(columns.shift(Infinity)).toEqual(expected)
      expect(columns.shift(Infinity)).toBeNull()
    }),
    { numRuns: 60 },
  )
})

/** As after a restart from a snapshot. */
function copyOf(columns: InputColumns): InputColumns {
  const writer = new ByteWriter()
  columns.write(writer)
  const copy = new InputColumns()
  copy.read(new ByteReader(writer.finish()))
  return copy
}

test('lets go of an entry with its last input', () => {
  const columns = new InputColumns()
  const sources = [0, 1].map((revision): InputSource => ({ stream: 's', revision, data: new Uint8Array(0) }))
  for (const source of sources) for (let i = 0; i < 2; i++) columns.push({ ...emptyQueuedInput(), source }, 0)
  expect(columns.sourcesHeld).toBe(2)
  for (let i = 0; i < 3; i++) columns.shift(0)
  expect(columns.sourcesHeld).toBe(1)
  columns.shift(0)
  expect(columns.sourcesHeld).toBe(0)
})
