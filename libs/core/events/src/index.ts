export * from './generated/enums'
export * from './quarantine-reason'
export * from './raw-events'
export type { RawEvents, RawInputs, RawViews } from './generated/raw-registry'
export type { RawView } from './avro/raw-view'
export { spanLength, spanStart, spanText, type TokenSpan } from './avro/token-span'
export { encodeField, type FieldLayout } from './avro/field-layout'
export { MAX_LONG_BYTES, writeLong } from './avro/zigzag'
export { RAW_LAYOUTS } from './generated/raw-layouts'
export type { Problem, ProblemCode, Validation } from './json/problem'
export { reasonOf } from './json/problem'
export { canonicalJson, canonicalText, type CanonicalValue } from './json/canonical-json'
export * from './ledger-events'
export type { LedgerAvroEvents, LedgerAvroInputs, LedgerJsonEvents, LedgerJsonInputs } from './generated/ledger-registry'
export * from './risk-events'
export type { RiskEvents, RiskInputs } from './generated/risk-registry'
export { readOrigin, type EventOrigin } from './event-origin'
export { adviceFor, type QuarantineAdvice } from './quarantine-advice'
export * from './ndjson'
export * from './schema-artifacts'
export { WriterSchemas, type BroughtToCurrent, type WriterSchema } from './writer-schemas'
export type { SchemaArtifact } from './avro/event-codec'
export { crc64Avro, fingerprintBytes } from './avro/fingerprint'
export { parsingCanonicalForm, type AvroSchema } from './avro/parsing-canonical-form'
export { sha256 } from './text/sha256'
export { fromHex, toHex } from './text/hex'
export { UUID_NAMESPACES, uuidBytes, uuidText, uuidV5, uuidV7, writeUuid } from './text/uuid'
export type { AnswerGiven, AnswerGivenInput } from './generated/ledger-answer-given'
export type { ArtifactStored, ArtifactStoredInput } from './generated/ledger-artifact-stored'
export type { CaseClosed, CaseClosedInput } from './generated/ledger-case-closed'
export type { CaseOpened, CaseOpenedInput } from './generated/ledger-case-opened'
export type { CaseStepTaken, CaseStepTakenInput } from './generated/ledger-case-step-taken'
export type { CheckpointSigned, CheckpointSignedInput } from './generated/ledger-checkpoint-signed'
export type { CommandAcknowledged, CommandAcknowledgedInput } from './generated/ledger-command-acknowledged'
export type { CommandIssued, CommandIssuedInput } from './generated/ledger-command-issued'
export type { CommandOverdue, CommandOverdueInput } from './generated/ledger-command-overdue'
export type {
  DecisionSubject,
  DecisionSubjectInput,
  EvidenceFeature,
  EvidenceFeatureInput,
  EvidenceThreshold,
  EvidenceThresholdInput,
  DecisionSignal,
  DecisionSignalInput,
  DecisionCombination,
  DecisionCombinationInput,
  FactReference,
  FactReferenceInput,
  DecisionMade,
  DecisionMadeInput,
} from './generated/ledger-decision-made'
export type { EvidenceRead, EvidenceReadInput } from './generated/ledger-evidence-read'
export type {
  TopicRange,
  TopicRangeInput,
  BodyDigest,
  BodyDigestInput,
  ScreenedInput,
  ScreenedInputInput,
  OffsetGap,
  OffsetGapInput,
  Fact,
  FactInput,
  InputsScreened,
  InputsScreenedInput,
} from './generated/ledger-inputs-screened'
export type { JournalRegistered, JournalRegisteredInput } from './generated/ledger-journal-registered'
export type { PolicyActivated, PolicyActivatedInput } from './generated/ledger-policy-activated'
export type {
  ConsumedRevision,
  ConsumedRevisionInput,
  LearnedFact,
  LearnedFactInput,
  RelationsLearned,
  RelationsLearnedInput,
} from './generated/ledger-relations-learned'
export type { SanctionImposed, SanctionImposedInput } from './generated/ledger-sanction-imposed'
export type { SanctionLifted, SanctionLiftedInput } from './generated/ledger-sanction-lifted'
export type { SegmentOpened, SegmentOpenedInput } from './generated/ledger-segment-opened'
export type { TenureBegan, TenureBeganInput } from './generated/ledger-tenure-began'
export type { AccountProfile, AccountProfileInput, AccountProfileView } from './generated/raw-account-profiles'
export type { Answer, AnswerInput } from './generated/raw-answers'
export type { CaseAction, CaseActionInput } from './generated/raw-case-actions'
export type { LivenessResult, LivenessResultInput, LivenessResultView } from './generated/raw-liveness-results'
export type { Login, LoginInput, LoginView } from './generated/raw-logins'
export type { Outcome, OutcomeInput, OutcomeView } from './generated/raw-outcomes'
export type { P2pTrade, P2pTradeInput, P2pTradeView } from './generated/raw-p2p-trades'
export type { Payment, PaymentInput, PaymentView } from './generated/raw-payments'
export type { QuarantinePublished, QuarantinePublishedInput } from './generated/risk-quarantine-published'
export type { VerdictPublished, VerdictPublishedInput } from './generated/risk-verdict-published'
export type { RiskAlert, RiskAlertInput, RiskAlertView } from './generated/raw-risk-alerts'
