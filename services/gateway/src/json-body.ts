import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { Refusal } from './problem'

const decoder = new TextDecoder('utf-8')

/**
 * Takes bodies of `application/json` alone. Bytes that are no UTF-8 are refused rather than repaired: what is recorded is what was sent. A member
 * `__proto__` does no harm here, because the checks of events know every field by name.
 */
export function takeJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    try {
      done(null, parseBody(body))
    } catch (error) {
      done(error as Error)
    }
  })
}

function parseBody(body: Uint8Array): unknown {
  if (body.length === 0) throw new Refusal({ code: 'not-json', detail: 'The body is empty; it is JSON.' })
  if (!isUtf8(body)) throw new Refusal({ code: 'not-json', detail: 'The body is not valid UTF-8.' })
  try {
    return JSON.parse(decoder.decode(body))
  } catch (error) {
    // Nested a million deep it is a RangeError. The engine's words are not passed on: they quote the body.
    const reason = error instanceof RangeError ? 'is nested too deep' : 'cannot be read as JSON'
    throw new Refusal({ code: 'not-json', detail: `The body ${reason}.` })
  }
}
