import { relationsOptions } from './relations-state'

test('relations hold as many keys as the policy has accounts, and take the rest as it stands', () => {
  const state = { labelDelayMs: 1, labelMemoryMs: 2, alertMemoryMs: 3, maxAccounts: 4, maxRemembered: 5 }
  expect(relationsOptions({ ...state, ...{ graceMs: 6 } })).toEqual({
    labelDelayMs: 1,
    labelMemoryMs: 2,
    alertMemoryMs: 3,
    maxKeys: 4,
    maxRemembered: 5,
  })
})
