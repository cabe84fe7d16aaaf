/** What a metric says. */
export interface MetricMeaning {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly meaning: string
}

/** Every metric that a service tells, by its name: for Prometheus' HELP lines and for the reference. Durations have buckets from 0.5 ms to 10 s. */
export const METRICS: Readonly<Record<string, MetricMeaning>> = {
  riskledger_inputs_total: {
    kind: 'counter',
    labels: ['partition', 'status'],
    meaning: 'Screener: inputs journaled since it started, by what became of them.',
  },
  riskledger_verdicts_total: {
    kind: 'counter',
    labels: ['partition', 'verdict'],
    meaning: 'Screener: verdicts journaled since it started.',
  },
  riskledger_append_seconds: {
    kind: 'histogram',
    labels: ['partition'],
    meaning: 'Screener: time from sending a batch to the ledger until it is durable there.',
  },
  riskledger_snapshot_copy_seconds: {
    kind: 'histogram',
    labels: [],
    meaning: 'Screener: time for which no input is screened because the state is copied for a snapshot.',
  },
  riskledger_snapshots_failed_total: {
    kind: 'counter',
    labels: [],
    meaning: 'Screener, relations: snapshots that could not be taken or saved; a restart folds more of the journals.',
  },
  riskledger_state_attestations_failed_total: {
    kind: 'counter',
    labels: [],
    meaning:
      'Screener: tenures whose state could not be hashed, so that no entry attests it; their verdicts are compared by replay all the same.',
  },
  riskledger_log_lag_messages: {
    kind: 'gauge',
    labels: ['topic', 'partition'],
    meaning: 'Screener: offsets up to the last stable one that are still to be read; markers of transactions count.',
  },
  riskledger_log_lag_seconds: {
    kind: 'gauge',
    labels: ['topic', 'partition'],
    meaning:
      'Screener: age of the oldest record that was fetched and is still to be given out; 0 where there is none. A partition that cannot be fetched at all keeps its last value.',
  },
  riskledger_log_undecided_messages: {
    kind: 'gauge',
    labels: ['topic', 'partition'],
    meaning: 'Screener: offsets that open transactions hold back.',
  },
  riskledger_loop_batches_total: {
    kind: 'counter',
    labels: ['loop'],
    meaning: 'Screener, dispatcher: batches that a loop has finished.',
  },
  riskledger_loop_retries_total: {
    kind: 'counter',
    labels: ['loop', 'part', 'code'],
    meaning:
      'Screener, dispatcher: times that a part of a loop was tried again, by the error; a take-over is tried again without being counted.',
  },
  riskledger_relations_revision: {
    kind: 'gauge',
    labels: ['stream'],
    meaning:
      'Relations: revision of the last batch of inputs that was read since it started; entries of other kinds that follow it are passed over.',
  },
  riskledger_relations_passed_over: {
    kind: 'gauge',
    labels: ['what'],
    meaning:
      'Relations, since the journals began: inputs without room for their counterparty or device (`counterparties-refused`, `devices-refused`), outcomes of nothing remembered or of what had one (`outcomes-unmatched`, `outcomes-superseded`), payments forgotten for want of room (`forgotten-early`), standing alerts that had to go for others on the same counterparty (`alerts-forgotten`).',
  },
  riskledger_dispatcher_published_total: {
    kind: 'counter',
    labels: ['topic'],
    meaning: 'Dispatcher: messages published since it started.',
  },
  riskledger_dispatcher_revision: {
    kind: 'gauge',
    labels: ['partition'],
    meaning: 'Dispatcher: revision of the journal entry up to which everything is published.',
  },
  riskledger_dispatcher_lag_entries: {
    kind: 'gauge',
    labels: ['partition'],
    meaning: 'Dispatcher: journal entries that are still to be published.',
  },
  riskledger_gateway_requests_total: {
    kind: 'counter',
    labels: ['route', 'status'],
    meaning: 'Gateway: requests answered, by route and HTTP status.',
  },
  riskledger_gateway_request_seconds: {
    kind: 'histogram',
    labels: ['route'],
    meaning: 'Gateway: time from a request to its answer.',
  },
  riskledger_gateway_events_total: {
    kind: 'counter',
    labels: ['topic'],
    meaning: 'Gateway: events published by POST /v1/events; those of POST /v1/decisions are counted there.',
  },
  riskledger_gateway_decisions_total: {
    kind: 'counter',
    labels: ['kind', 'fallback'],
    meaning:
      'Gateway: answers to POST /v1/decisions; fallback is true where no verdict came in time, or the event was too late to be judged.',
  },
  riskledger_gateway_rate_limited_total: {
    kind: 'counter',
    labels: ['key'],
    meaning: 'Gateway: requests refused because their key asks too often.',
  },
  riskledger_gateway_answers_lost_total: {
    kind: 'counter',
    labels: [],
    meaning: 'Gateway: answers that could not be published, so that the journal does not hold what the caller was told.',
  },
  riskledger_gateway_look_up_failures_total: {
    kind: 'counter',
    labels: [],
    meaning: 'Gateway: look-ups of earlier verdicts in the ledger that failed.',
  },
  riskledger_gateway_resubscriptions_total: {
    kind: 'counter',
    labels: [],
    meaning: 'Gateway: times that it subscribed to a journal anew after the ledger was away.',
  },
  riskledger_metrics_dropped_total: {
    kind: 'counter',
    labels: ['metric'],
    meaning: 'Values left out because a metric had more than 1,000 sets of label values.',
  },
}
