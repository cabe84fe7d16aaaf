import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TObject } from '@sinclair/typebox'
import { RiskError, type EventTopic } from '@riskledger/contracts'
import { EVENT_TOPICS } from '@riskledger/events'
import { installationRoot } from '@riskledger/runtime'
import { avroToTypeBox } from './avro-to-type-box'

/** The JSON form of each raw topic's event, made from `schemas/raw/`. Throws `file-not-found`, which means an installation that is not whole. */
export function readRawSchemas(folder = join(installationRoot(), 'schemas', 'raw')): Readonly<Record<EventTopic, TObject>> {
  return Object.fromEntries(EVENT_TOPICS.map((topic) => [topic, avroToTypeBox(readSchema(join(folder, `${topic}.avsc`)))])) as Record<
    EventTopic,
    TObject
  >
}

function readSchema(file: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  } catch (cause) {
    throw new RiskError('file-not-found', `The schema ${file} cannot be read: RiskLedger is not installed whole.`, {
      retriable: false,
      cause,
    })
  }
}
