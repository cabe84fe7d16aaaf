export * from './features'
export { blankFeatures } from './blank-features'
export { DEFAULT_PROFILE_OPTIONS, type ProfileOptions } from './profile-options'
export { ProfileStore, type ObserveContext, type ProfileCounters } from './profile-store'
