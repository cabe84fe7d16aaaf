import { withoutUserInfo } from './without-user-info'

test.each([
  ['esdb://admin:changeit@host:2113?tls=false', 'esdb://***@host:2113?tls=false'],
  ['esdb+discover://admin:a@b/c?d@one:2113,two:2113', 'esdb+discover://***@one:2113,two:2113'],
  ['"http://token@registry" and "http://a:b@other"', '"http://***@registry" and "http://***@other"'],
  ['esdb://127.0.0.1:2113?tls=false', 'esdb://127.0.0.1:2113?tls=false'],
  ['write to desk@bank.example', 'write to desk@bank.example'],
])('%s is shown as %s', (text, shown) => {
  expect(withoutUserInfo(text)).toBe(shown)
})
