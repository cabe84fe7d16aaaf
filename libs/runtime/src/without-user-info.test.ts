import { maskedAddress, withoutUserInfo } from './without-user-info'

test.each([
  ['esdb://admin:changeit@host:2113?tls=false', 'esdb://***@host:2113?tls=false'],
  ['esdb+discover://admin:a@b/c?d@one:2113,two:2113', 'esdb+discover://***@one:2113,two:2113'],
  ['"http://token@registry" and "http://a:b@other"', '"http://***@registry" and "http://***@other"'],
  ['esdb://127.0.0.1:2113?tls=false', 'esdb://127.0.0.1:2113?tls=false'],
  ['write to desk@bank.example', 'write to desk@bank.example'],
])('%s is shown as %s', (text, shown) => {
  expect(withoutUserInfo(text)).toBe(shown)
})

test.each([
  ['admin:changeit@host:2113', '***@host:2113'],
  ['user:one@host:9092,user:two@other:9092', '***@other:9092'],
  ['esdb:/admin:changeit@host', '***@host'],
  ['esdb://admin:pa"ss@host x', 'esdb://***@host x'],
  ['esdb://admin:two words@host', 'esdb://***@host'],
  ['host:99999', 'host:99999'],
])('an address refused, %s, is shown as %s', (value, shown) => {
  expect(maskedAddress(value)).toBe(shown)
})
