import { closestName } from './closest-name'

const KNOWN = ['graceMs', 'maxSkewMs', 'maxAccounts', 'maxRemembered', 'bands']

test.each([
  ['graceMS', 'graceMs'],
  ['gracMs', 'graceMs'],
  ['graceeMs', 'graceMs'],
  ['garceMs', 'graceMs'],
  ['maxAccountz', 'maxAccounts'],
  ['max_accounts', 'maxAccounts'],
  ['band', 'bands'],
  ['graceTime', 'graceMs'],
  ['patience', null],
  ['thresholds', null],
  ['', null],
])('%j means %j', (name, expected) => {
  expect(closestName(name, KNOWN)).toBe(expected)
})

test('of two that are as near, the first known', () => {
  expect(closestName('cat', ['bat', 'hat'])).toBe('bat')
  expect(closestName('cat', [])).toBeNull()
})
