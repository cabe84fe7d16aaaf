import { blankCounterpartyFact, encodeCounterpartyFact, encodeDeviceFact } from '@riskledger/relations'
import { describeFact } from './describe-fact'
import { localTime } from './local-time'
import { thresholdText } from './threshold-text'
import { unknownVariableText } from './unknown-variable'

describe('localTime', () => {
  test.each([
    [0, '1970-01-01 00:00:00 (UTC)'],
    [null, '1970-01-01 00:00:00 (UTC)'],
    [480, '1970-01-01 08:00:00 (UTC+8)'],
    [-210, '1969-12-31 20:30:00 (UTC-3:30)'],
    [345, '1970-01-01 05:45:00 (UTC+5:45)'],
  ])('offset %p', (offset, shown) => {
    expect(localTime(0, offset)).toBe(shown)
  })
})

describe('thresholdText', () => {
  test.each([
    [{ value: 300_000, unit: 'USD-minor' }, ' [threshold $3,000.00]'],
    [{ value: 600, unit: 'permille' }, ' [threshold 60 %]'],
    [{ value: 2_500, unit: 'permille' }, ' [threshold 2.5 times]'],
    [{ value: 1_000, unit: 'ppm' }, ' [threshold 0.1 %]'],
    [{ value: 1_200, unit: 'count' }, ' [threshold 1,200]'],
    [{ value: 250, unit: 'centi-deviations' }, ' [threshold 2.5 standard deviations]'],
    [{ value: 7, unit: 'elephants' }, ' [threshold 7 elephants]'],
    [null, ''],
  ])('%j', (threshold, text) => {
    expect(thresholdText(threshold)).toBe(text)
  })
})

describe('describeFact', () => {
  test('a counterparty that nobody complained of', () => {
    const fact = { ...blankCounterpartyFact(86_400_000), paymentCount: 1_204, distinctPayers: 64 }
    expect(describeFact('counterparty', encodeCounterpartyFact(fact))).toBe('at least 64 payers, 1,204 payments; first seen 1970-01-02')
  })

  test('a counterparty with frauds, disputes, chargebacks and reports', () => {
    const fact = {
      ...blankCounterpartyFact(0),
      paymentCount: 9,
      distinctPayers: 1,
      fraudTotal: 2,
      legitimateTotal: 6,
      tradesDisputed: 1,
      chargebacks: 3,
      counterfeitReports: 2,
      alertSeverity: 600,
    }
    expect(describeFact('counterparty', encodeCounterpartyFact(fact))).toBe(
      '1 payer, 9 payments, 2 of 8 with a known label were fraud, 1 trade disputed, 3 chargebacks, 2 reports of counterfeits, alert of severity 600; first seen 1970-01-01',
    )
  })

  test('a device, and what is not kept', () => {
    expect(describeFact('device', encodeDeviceFact({ asOfMs: 0, firstSeenMs: 0, distinctAccounts: 3, lastKnownFraudMs: -1 }))).toBe(
      '3 accounts; first seen 1970-01-01',
    )
    expect(describeFact('random-challenge', null)).toBe('drawn for a random challenge')
    expect(describeFact('device', null)).toBe('its value is not in the ledger')
  })
})

describe('unknownVariableText', () => {
  test.each([
    ['RISKLEDGER_DATADIR', 'RISKLEDGER_DATADIR means nothing to riskledger; did you mean RISKLEDGER_DATA_DIR?'],
    ['RISKLEDGER_LOG_LEVLE', 'RISKLEDGER_LOG_LEVLE means nothing to riskledger; did you mean RISKLEDGER_LOG_LEVEL?'],
    ['RISKLEDGER_COLOUR', 'RISKLEDGER_COLOUR means nothing to riskledger; docs/reference/configuration.md lists those that do'],
  ])('%s', (variable, text) => {
    expect(unknownVariableText(variable)).toBe(text)
  })
})
