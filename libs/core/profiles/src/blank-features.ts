import type { AlertSeverities, Features, WindowFeatures } from './features'
import type { ScreenedTopic } from '@riskledger/contracts'

const NO_ALERTS: AlertSeverities = Object.freeze({})

function blankWindow(): WindowFeatures {
  return { counts: new Float64Array(6), sumsMinor: new Float64Array(6), exact: [true, true, true, true, true, true] }
}

/** A fresh `Features` that knows nothing; also what tests and scenarios start from. */
export function blankFeatures(): Features {
  return {
    topic: 'payments',
    eventTimeMs: 0,
    late: false,
    amountMinor: -1,
    kind: 'unknown',
    phase: 'unknown',
    direction: 'unknown',
    method: 'unknown',
    outcome: 'unknown',
    payerNameMatch: 'unknown',
    behaviourDistance: -1,
    priceDeviationBasisPoints: 0,
    networkClass: 'unknown',
    countryCode: null,
    payments: blankWindow(),
    trades: blankWindow(),
    logins: blankWindow(),
    failedLogins: blankWindow(),
    smallPayments: blankWindow(),
    distinctCounterparties1h: 0,
    distinctCounterparties1d: 0,
    distinctInstruments1d: 0,
    distinctDevices1d: 0,
    amountHabitMilliCount: 0,
    amountMedianMinor: -1,
    amountPercentileMinor: -1,
    populationMedianMinor: -1,
    populationPercentileMinor: -1,
    habitDistanceCenti: 0,
    knownLegitimateCount: 0,
    knownLegitimateMeanMinor: -1,
    ratioToLargestPermille: -1,
    pendingEvidencePermille: -1,
    msSinceLastKnownFraud: -1,
    localHour: 0,
    offsetSource: 'utc',
    hourSharePpm: 41_667,
    hourHabitMilliCount: 0,
    paymentsPerDayMilli: 0,
    tradesPerDayMilli: 0,
    loginsPerDayMilli: 0,
    historyMs: -1,
    device: 'none',
    network: 'none',
    country: 'none',
    knownDeviceCount: 0,
    deviceAgeMs: -1,
    operatorLogRatioCentinats: 0,
    loginHabitCount: 0,
    sessionDeviceDiffers: false,
    travelKmh: -1,
    travelKm: -1,
    msSinceLastLogin: -1,
    networkChangedSinceLastLogin: false,
    countryChangedSinceLastLogin: false,
    lastLoginBehaviourDistance: -1,
    lastLoginNewDevice: false,
    lastLoginNewNetwork: false,
    earlierLoginBehaviourDistance: -1,
    msSinceEarlierLoginBehaviour: -1,
    newerLoginBehaviourDistance: -1,
    msSinceNewerLoginBehaviour: -1,
    msSinceEarlierLoginNewDevice: -1,
    counterparty: null,
    firstContact: false,
    deviceFact: null,
    counterpartyKind: 'unknown',
    accountAlerts: NO_ALERTS,
    eventAlerts: NO_ALERTS,
    counterpartyAlerts: NO_ALERTS,
    livenessFailed1d: 0,
    livenessAbandoned1d: 0,
    livenessAttackKind: 'none',
    livenessFaceMismatch: false,
    livenessPassedAfterFailure: false,
    kycLevel: -1,
    accountAgeMs: -1,
    residenceCountry: null,
  }
}

/** Takes a reused `Features` back to knowing nothing, but for its windows, which whoever fills them clears. */
export function forget(features: Features, topic: ScreenedTopic): void {
  features.topic = topic
  features.amountMinor = -1
  features.kind = 'unknown'
  features.phase = 'unknown'
  features.direction = 'unknown'
  features.method = 'unknown'
  features.outcome = 'unknown'
  features.payerNameMatch = 'unknown'
  features.behaviourDistance = -1
  features.priceDeviationBasisPoints = 0
  features.distinctCounterparties1h = 0
  features.distinctCounterparties1d = 0
  features.distinctInstruments1d = 0
  features.distinctDevices1d = 0
  features.amountHabitMilliCount = 0
  features.amountMedianMinor = -1
  features.amountPercentileMinor = -1
  features.populationMedianMinor = -1
  features.populationPercentileMinor = -1
  features.habitDistanceCenti = 0
  features.knownLegitimateCount = 0
  features.knownLegitimateMeanMinor = -1
  features.ratioToLargestPermille = -1
  features.pendingEvidencePermille = -1
  features.msSinceLastKnownFraud = -1
  features.hourSharePpm = 41_667
  features.hourHabitMilliCount = 0
  features.paymentsPerDayMilli = 0
  features.tradesPerDayMilli = 0
  features.loginsPerDayMilli = 0
  features.historyMs = -1
  forgetPlaces(features)
  features.counterparty = null
  features.firstContact = false
  features.deviceFact = null
  features.counterpartyKind = 'unknown'
  forgetRare(features)
  features.kycLevel = -1
  features.accountAgeMs = -1
  features.residenceCountry = null
}

function forgetPlaces(features: Features): void {
  features.device = 'none'
  features.network = 'none'
  features.country = 'none'
  features.knownDeviceCount = 0
  features.deviceAgeMs = -1
  features.operatorLogRatioCentinats = 0
  features.loginHabitCount = 0
  features.sessionDeviceDiffers = false
  features.travelKmh = -1
  features.travelKm = -1
  features.msSinceLastLogin = -1
  features.networkChangedSinceLastLogin = false
  features.countryChangedSinceLastLogin = false
  features.lastLoginBehaviourDistance = -1
  features.lastLoginNewDevice = false
  features.lastLoginNewNetwork = false
  features.earlierLoginBehaviourDistance = -1
  features.msSinceEarlierLoginBehaviour = -1
  features.newerLoginBehaviourDistance = -1
  features.msSinceNewerLoginBehaviour = -1
  features.msSinceEarlierLoginNewDevice = -1
}

function forgetRare(features: Features): void {
  features.accountAlerts = NO_ALERTS
  features.eventAlerts = NO_ALERTS
  features.counterpartyAlerts = NO_ALERTS
  features.livenessFailed1d = 0
  features.livenessAbandoned1d = 0
  features.livenessAttackKind = 'none'
  features.livenessFaceMismatch = false
  features.livenessPassedAfterFailure = false
}
