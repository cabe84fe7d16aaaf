import type { Command } from 'commander'
import { readLock, withoutUserInfo, type LockOwner } from '@riskledger/runtime'
import { EXIT } from '../exit-codes'
import { readHouseStatus, type HouseStatus, type PartitionStatus } from '../house/house-status'
import { openHouseToRead, type House } from '../house/open-house'
import { localTime } from '../text/local-time'
import { bytesText, grouped, percentText } from '../text/numbers'
import { ProgressBar } from '../text/progress-bar'
import { contextOf, houseOf, type CommandContext, type Finish } from './command-context'

/** `riskledger status`: where everything stands. */
export function addStatus(program: Command, finish: Finish): void {
  program
    .command('status')
    .description('tell where log, journals and relations stand, what is in them, and which policy is in force')
    .action(async (_flags: unknown, command: Command) => {
      const context = contextOf(command)
      const owner = context.settings.ledger === undefined ? await ownerOf(context.settings.dataDir) : undefined
      const house = await openHouseToRead(houseOf(context, 'riskledger status'))
      try {
        const bar = new ProgressBar('inputs')
        const status = await readHouseStatus(house, { environment: context.environment, onInputs: (inputs) => bar.update(inputs, 0) })
        bar.clear()
        if (context.json) context.printJson({ dataDir: house.dataDir, ...house.folder, heldBy: owner ?? null, ...status })
        else tell(context, { house, owner, status })
        finish(EXIT.done)
      } finally {
        await house.close()
      }
    })
}

/** Who holds the folder, without what its ledger's address may hold of a password. */
async function ownerOf(dataDir: string): Promise<LockOwner | undefined> {
  const owner = await readLock(dataDir)
  if (owner === undefined || owner.connectionString === null) return owner
  return { ...owner, connectionString: withoutUserInfo(owner.connectionString) }
}

function tell(
  context: CommandContext,
  { house, owner, status }: { readonly house: House; readonly owner: LockOwner | undefined; readonly status: HouseStatus },
): void {
  const { statuses, verdicts, policy, bytes } = status
  const { partitions, created, format } = house.folder
  const whole = `${partitions} partition${partitions === 1 ? '' : 's'}`
  if (house.isElsewhere) context.print(`ledger      ${withoutUserInfo(house.connectionString)}, ${whole}`)
  else context.print(`folder      ${house.dataDir}, format ${format}, ${whole}, made ${created}`)
  if (!house.isElsewhere) tellOwner(context, owner)
  context.print(
    `policy      ${policy === null ? 'none yet' : `${policy.hash.slice(0, 12)}… (${policy.name}), active since ${policy.since}`}`,
  )
  context.print(
    `inputs      ${grouped(status.inputs)}   screened ${grouped(statuses.screened)} · observed ${grouped(statuses.observed)} · late ${grouped(statuses.late)} · duplicate ${grouped(statuses.duplicate)} · conflicting ${grouped(statuses.conflicting)} · quarantined ${grouped(statuses.quarantined)}`,
  )
  context.print(
    `verdicts    allow ${grouped(verdicts.allow)} · challenge ${grouped(verdicts.challenge)} · hold ${grouped(verdicts.hold)} · block ${grouped(verdicts.block)}        ${percentText(verdicts.hold, status.inputs)} to a person`,
  )
  for (const partition of status.partitions) for (const line of partitionLines(partition)) context.print(line)
  for (const { stream, revision, throughEpoch } of status.relations) {
    context.print(
      `relations   ${revision < 0 ? `${stream} is empty` : `${stream}@${grouped(revision)}${throughEpoch < 0 ? '' : `, through epoch ${grouped(throughEpoch)}`}`}`,
    )
  }
  if (house.isElsewhere) return
  context.print(`disk        log ${bytesText(bytes.log)} · ledger ${bytesText(bytes.ledger)} · cache ${bytesText(bytes.cache)}`)
}

function tellOwner(context: CommandContext, owner: LockOwner | undefined): void {
  const text =
    owner === undefined
      ? 'nobody'
      : `process ${owner.pid} (${owner.command}, since ${localTime(owner.sinceMs, null)}), ledger ${owner.connectionString}`
  context.print(`at work     ${text}`)
}

function partitionLines({ partition, stream, revision, inputs, decisions, tenure, streamTimeMs, lag }: PartitionStatus): readonly string[] {
  const name = `partition ${partition}`.padEnd(12)
  if (revision < 0) return [`${name}${stream} has no entry yet`]
  const behind = lag.reduce((sum, topic) => sum + topic.lagMessages, 0)
  const lines = [
    `${name}${stream}@${grouped(revision)}, ${grouped(inputs)} inputs, ${grouped(decisions)} decisions · tenure ${tenure === null ? 'none' : `${grouped(tenure.generation)} of worker ${tenure.workerId.slice(0, 8)}…`}`,
  ]
  lines.push(`  time      ${streamTimeMs === 0 ? 'no event yet' : localTime(streamTimeMs, null)}`)
  const topics = lag.map((topic) => `${topic.topic} ${grouped(topic.nextOffset)} of ${grouped(topic.logEnd)}`)
  const total = behind === 0 ? 'none' : `${grouped(behind)} message${behind === 1 ? '' : 's'}`
  lines.push(`  lag       ${topics.length === 0 ? total : `${total}: ${topics.join(' · ')}`}`)
  return lines
}
