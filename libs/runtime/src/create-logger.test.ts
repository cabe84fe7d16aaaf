import { RiskError } from '@riskledger/contracts'
import { createLogger } from './create-logger'

function lines(level: 'debug' | 'warn' | 'silent', log: (logger: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const written: string[] = []
  log(createLogger({ level, name: 'screener', write: (line) => written.push(line) }))
  return written.map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('createLogger', () => {
  test('writes one JSON object a line, for people and machines', () => {
    const [line] = lines('debug', (logger) => logger.info('batch appended', { inputs: 4096, stream: 'screening-000.0000' }))
    expect(line).toMatchObject({
      level: 'info',
      name: 'screener',
      message: 'batch appended',
      inputs: 4096,
      stream: 'screening-000.0000',
      pid: process.pid,
    })
    expect(line?.['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
    expect(line).not.toHaveProperty('hostname')
  })

  test('leaves out what is below the level', () => {
    const log = (logger: ReturnType<typeof createLogger>): void => {
      logger.debug('a')
      logger.info('b')
      logger.warn('c')
      logger.error('d')
    }
    expect(lines('warn', log).map((line) => line['message'])).toEqual(['c', 'd'])
    expect(lines('debug', log)).toHaveLength(4)
    expect(lines('silent', log)).toEqual([])
  })

  test('writes an error with its code and cause', () => {
    const error = new RiskError('disk-full', 'no room left', { retriable: true, cause: new Error('ENOSPC') })
    const [line] = lines('debug', (logger) => logger.error('append failed', { error }))
    expect(line?.['error']).toMatchObject({ message: 'no room left', code: 'disk-full', retriable: true, cause: { message: 'ENOSPC' } })
  })

  test('a destination that cannot be written never fails who logs', () => {
    const full = (): never => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }
    const logger = createLogger({ level: 'debug', name: 'screener', write: full })
    expect(() => logger.warn('a snapshot could not be saved')).not.toThrow()
  })

  test('a destination that can be written again is told how many lines were lost, once', () => {
    const written: string[] = []
    let isFull = true
    const write = (line: string): void => {
      if (isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      written.push(line)
    }
    const logger = createLogger({ level: 'debug', name: 'screener', write })
    for (let lost = 0; lost < 3; lost++) logger.warn('lost')
    isFull = false
    logger.info('goes on')
    logger.info('and on')
    expect(written.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 'warn', name: 'screener', pid: process.pid, message: 'log lines were lost: they could not be written', lostLines: 3 },
      { message: 'goes on' },
      { message: 'and on' },
    ])
    expect(written.every((line) => line.endsWith('}\n'))).toBe(true)
  })
})
