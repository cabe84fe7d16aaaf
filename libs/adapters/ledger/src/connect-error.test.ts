import { RiskError } from '@riskledger/contracts'
import { connectError, NoAnswerError } from './connect-error'

const transport = (text: string): RiskError =>
  new RiskError('ledger-unavailable', `The ledger cannot be read ($all): 14 UNAVAILABLE: ${text}`, { retriable: true })

test.each([
  [
    transport('No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: '),
    'the connection was refused. Is it running there?',
  ],
  [transport('Name resolution failed for target dns:nowhere.invalid:2113'), 'the host was not found. Look at --ledger.'],
  [
    transport('No connection established. Last error: RangeError [ERR_SOCKET_BAD_PORT]: Port'),
    'the port is not one from 1 to 65535. Look at --ledger.',
  ],
  [transport('Failed to discover after 10 attempts.'), 'no node of the cluster answered. Is it running there?'],
  [new NoAnswerError(1500), 'the connection timed out (no answer within 1500 ms). Is it running there?'],
  [transport('something else, with {"internals":1}'), 'the connection failed. Is it running there?'],
  [transport('UNAUTHENTICATED'), 'user or password was not accepted. Look at --ledger.'],
])('%s is told in words', (cause, reason) => {
  const error = connectError(cause, 'esdb://admin:changeit@h:2113?tls=false')
  expect(error).toMatchObject({ code: 'ledger-unavailable', retriable: true, cause })
  expect(error.message).toBe(`No ledger answers at esdb://h:2113: ${reason}`)
})

test.each([
  ['esdb://127.0.0.1:2113?tls=false', 'esdb://127.0.0.1:2113'],
  ['esdb+discover://admin:a@b/c@one:2113,two:2113/?tls=true', 'esdb+discover://one:2113,two:2113'],
  ['kurrentdb://h', 'kurrentdb://h'],
])('the place of %s is %s', (connectionString, place) => {
  expect(connectError(new NoAnswerError(1), connectionString).context).toEqual({ place })
})
