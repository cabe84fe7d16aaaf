import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import type { Logger } from '@riskledger/contracts'
import { notFound, problemDocument, PROBLEM_MEDIA_TYPE, Refusal, statusOf, type Problem } from './problem'

/** Answers with a problem. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.retryAfterSeconds !== undefined) void reply.header('retry-after', problem.retryAfterSeconds)
  if (problem.code === 'unauthenticated') void reply.header('www-authenticate', 'Bearer realm="riskledger"')
  return reply
    .code(statusOf(problem.code))
    .type(PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(problemDocument(problem)))
}

/** Makes every refusal of a server a problem, the framework's own and unforeseen errors too; none shows a stack. */
export function refuseWithProblems(
  app: FastifyInstance,
  { logger, maxBodyBytes }: { readonly logger: Logger; readonly maxBodyBytes: number },
): void {
  app.setNotFoundHandler((request, reply) => sendProblem(reply, notFound(request).problem))
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof Refusal) return sendProblem(reply, error.problem)
    const problem = problemOfFramework(error, maxBodyBytes)
    if (problem !== null) return sendProblem(reply, problem)
    logger.error('a request failed', { route: request.routeOptions.url ?? 'none', error })
    return sendProblem(reply, {
      code: 'internal',
      detail: 'The gateway failed; what it was stands in its log. Nothing is known to be published.',
    })
  })
}

function problemOfFramework(error: FastifyError, maxBodyBytes: number): Problem | null {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { code: 'body-too-large', detail: `The body has more than ${maxBodyBytes} bytes. Send fewer events at once.` }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return { code: 'unsupported-media-type', detail: 'The body is of another media type; it is application/json.' }
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return { code: 'request-invalid', detail: 'The body has another length than Content-Length says.' }
    case 'FST_ERR_BAD_URL':
      return { code: 'request-invalid', detail: 'The path is not a valid one.' }
    default:
      return null
  }
}

/** Answers what is no HTTP request, or came too slowly, on its bare socket. */
export function refuseConnection(error: { readonly code?: string }, socket: Socket): void {
  // Gone already: nobody would read it.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const problem: Problem =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? { code: 'request-too-slow', detail: 'The request came too slowly. Send it in one go.' }
      : { code: 'request-invalid', detail: 'The bytes are no valid HTTP request.' }
  const document = problemDocument(problem)
  const body = JSON.stringify(document)
  const head = `HTTP/1.1 ${document.status} ${document.title}\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`
  socket.end(head + body)
}
