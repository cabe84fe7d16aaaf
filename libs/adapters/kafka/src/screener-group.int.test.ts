import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import kafkajs from 'kafkajs'
import type { RawTopic } from '@riskledger/contracts'
import type { KafkaConnection } from './kafka-connection'
import { joinScreenerGroup, type ScreenerGroup, type ScreenerGroupOptions } from './screener-group'
import { brokerOfTests } from './testing/broker-of-tests'
import { madeTopics } from './testing/test-topics'

/** By its path: the package that holds it stands above this one. */
const REGISTER = resolve(__dirname, '../../../runtime/register.cjs')
const TOPICS: readonly RawTopic[] = ['payments', 'logins']
const PARTITIONS = 6

const brokers = brokerOfTests()
const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A member of a group under test, and what it holds by what it was told. */
interface Member {
  readonly held: Set<number>
  readonly group: ScreenerGroup
  /** What it held whenever it was told that it is in. */
  readonly joined: (readonly number[])[]
  /** How many times a partition came to it. */
  gained: number
}

let news = 0
let told: () => void = () => undefined
function tell(): void {
  news++
  told()
}

/** Waits until `holds`, looking again whenever a member was told something. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    const seen = news
    await new Promise<void>((wake) => {
      told = wake
      if (news !== seen) wake()
    })
  }
}

async function join(connection: KafkaConnection, part: Partial<ScreenerGroupOptions> = {}): Promise<Member> {
  const held = new Set<number>()
  const member: { -readonly [Name in keyof Member]: Member[Name] } = {
    held,
    joined: [],
    gained: 0,
    group: undefined as unknown as ScreenerGroup,
  }
  member.group = await joinScreenerGroup({
    connection,
    groupId: 'screeners',
    topics: TOPICS,
    partitionCount: PARTITIONS,
    sessionTimeoutMs: 6_000,
    heartbeatIntervalMs: 200,
    onAssigned: (partitions) => {
      member.gained += partitions.length
      for (const partition of partitions) held.add(partition)
      tell()
    },
    onLost: (partitions) => {
      for (const partition of partitions) held.delete(partition)
      tell()
    },
    onJoined: () => {
      member.joined.push([...held])
      tell()
    },
    ...part,
  })
  closing.push(() => member.group.leave())
  return member
}

const isShared = (members: readonly { readonly held: ReadonlySet<number> }[], sizes: readonly number[]) => (): boolean =>
  members
    .map(({ held }) => held.size)
    .sort()
    .join() === [...sizes].sort().join() && new Set(members.flatMap(({ held }) => [...held])).size === PARTITIONS

test('partitions are shared as members come and go, and few of them move', async () => {
  const connection = await madeTopics(await brokers(), { partitionCount: PARTITIONS, topics: TOPICS })
  const first = await join(connection)
  await until(isShared([first], [6]))
  const second = await join(connection)
  await until(isShared([first, second], [3, 3]))
  expect({ first: first.gained, second: second.gained }).toEqual({ first: 6, second: 3 })
  const third = await join(connection)
  await until(isShared([first, second, third], [2, 2, 2]))
  expect([first.gained, second.gained, third.gained]).toEqual([6, 3, 2])
  await second.group.leave()
  await until(isShared([first, third], [3, 3]))
  expect([first.gained, third.gained]).toEqual([7, 3])
})

test('a member is told that it is in once it knows what it holds, be it nothing, and not where it does not get in', async () => {
  const connection = await madeTopics(await brokers(), { partitionCount: 1, topics: TOPICS })
  const first = await join(connection, { partitionCount: 1 })
  await until(() => first.joined.length === 1)
  const second = await join(connection, { partitionCount: 1 })
  await until(() => second.joined.length === 1)
  expect([first.joined[0], second.joined[0]]).toEqual([[0], []])
  const refused = await join(connection, { groupId: 'others', partitionCount: 2 })
  await expect(refused.group.failed).rejects.toMatchObject({ code: 'configuration-invalid' })
  expect(refused.joined).toEqual([])
})

test('a membership lasts past its session while everything is paused, and positions can be committed for lag monitors', async () => {
  const connection = await madeTopics(await brokers(), { partitionCount: PARTITIONS, topics: TOPICS })
  const member = await join(connection, { sessionTimeoutMs: 6_000 })
  await until(isShared([member], [6]))
  const admin = new kafkajs.Kafka({ brokers: [...connection.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  closing.push(() => admin.disconnect())
  const group = `${connection.prefix}screeners`
  const described = async () => (await admin.describeGroups([group])).groups[0]
  while ((await described()).state !== 'Stable');
  const { memberId } = (await described()).members[0]
  // The broker alone tells when a session would have ended: it is asked for longer than that.
  const askUntilMs = performance.now() + 9_000
  while (performance.now() < askUntilMs) {
    // Whose session ends is put out, and comes back under another id.
    expect((await described()).members.map((found) => found.memberId)).toEqual([memberId])
  }
  await member.group.commitPositions([{ topic: 'payments', partition: 2, offset: 17 }])
  const committed = await admin.fetchOffsets({ groupId: group, topics: [`${connection.prefix}raw.payments`] })
  expect(committed[0].partitions.find(({ partition }) => partition === 2)?.offset).toBe('17')
  await member.group.leave()
  // A failure is logged, never thrown.
  await member.group.commitPositions([{ topic: 'payments', partition: 2, offset: 18 }])
}, 40_000)

test('members that differ in partitions or topics are refused by name', async () => {
  const connection = await madeTopics(await brokers(), { partitionCount: PARTITIONS, topics: TOPICS })
  const alone = await join(connection, { partitionCount: PARTITIONS + 1 })
  await expect(alone.group.failed).rejects.toMatchObject({ code: 'configuration-invalid', retriable: false })

  const first = await join(connection, { groupId: 'others' })
  await until(isShared([first], [6]))
  const second = await join(connection, { groupId: 'others', topics: ['payments'] })
  const error: unknown = await Promise.race([first.group.failed, second.group.failed]).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'configuration-invalid', retriable: false })
  expect(String(error)).toContain('raw.logins')
})

test('an error of whoever takes the partitions ends the membership', async () => {
  const connection = await madeTopics(await brokers(), { partitionCount: PARTITIONS, topics: TOPICS })
  const member = await join(connection, {
    onAssigned: () => {
      throw new Error('no room')
    },
  })
  await expect(member.group.failed).rejects.toMatchObject({
    code: 'log-unavailable',
    retriable: false,
    message: expect.stringContaining('no room'),
  })
})

test('a signal ends the membership, and its partitions go to the others at once', async () => {
  const connection = await madeTopics(await brokers(), { partitionCount: PARTITIONS, topics: TOPICS })
  const controller = new AbortController()
  const first = await join(connection, { signal: controller.signal })
  const second = await join(connection)
  await until(isShared([first, second], [3, 3]))
  controller.abort()
  await until(isShared([second], [6]))
})

describe('a member in another process', () => {
  async function joinElsewhere(connection: KafkaConnection): Promise<{ readonly child: ChildProcess; readonly held: Set<number> }> {
    const child = fork(
      `${__dirname}/testing/group-member-process.ts`,
      [JSON.stringify({ connection, topics: TOPICS, partitionCount: PARTITIONS })],
      {
        execArgv: ['--require', REGISTER],
      },
    )
    closing.push(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    })
    const held = new Set<number>()
    child.on('message', ({ assigned = [], lost = [] }: { readonly assigned?: number[]; readonly lost?: number[] }) => {
      for (const partition of assigned) held.add(partition)
      for (const partition of lost) held.delete(partition)
      tell()
    })
    return { child, held }
  }

  test('is killed, and its partitions are taken over', async () => {
    const connection = await madeTopics(await brokers(), { partitionCount: PARTITIONS, topics: TOPICS })
    const elsewhere = await joinElsewhere(connection)
    await until(isShared([elsewhere], [6]))
    const here = await join(connection)
    await until(isShared([here, elsewhere], [3, 3]))
    elsewhere.child.kill('SIGKILL')
    await until(isShared([here], [6]))
  })

  test('is stopped past its session, loses its partitions, and comes back as a member like any other once it goes on', async () => {
    const connection = await madeTopics(await brokers(), { partitionCount: PARTITIONS, topics: TOPICS })
    const elsewhere = await joinElsewhere(connection)
    await until(isShared([elsewhere], [6]))
    const here = await join(connection)
    await until(isShared([here, elsewhere], [3, 3]))
    elsewhere.child.kill('SIGSTOP')
    await until(isShared([here], [6]))
    elsewhere.child.kill('SIGCONT')
    await until(() => here.held.size === 3)
    await until(isShared([here, elsewhere], [3, 3]))
    expect(here.gained).toBe(6)
  })
})
