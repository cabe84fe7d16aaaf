import { parentPort, workerData } from 'node:worker_threads'
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb'
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb'
import { SupportedMethod, SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb'
import { type BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb'
import { AllStreamPosition } from '@eventstore/db-client/generated/shared_pb'
import * as grpc from '@grpc/grpc-js'
import { startLedgerServer } from '@riskledger/ledger-server'

/** What a worker of this benchmark serves: the embedded ledger, or a server that only acknowledges, with or without looking. */
export interface LedgerWorkerData {
  readonly kind: 'embedded' | 'bare'
  readonly folder: string
}

const METHODS = ['read', 'append', 'batchappend']

/** The least a server that speaks the protocol can do: decode with the generated code, count, acknowledge. Nothing is kept. */
function startBareServer(): Promise<string> {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 })
  let revision = -1
  const { batchAppend, read } = StreamsService as unknown as Record<string, grpc.MethodDefinition<never, never>>
  server.addService({ batchAppend, read } as unknown as grpc.ServiceDefinition, {
    read: (call: grpc.ServerWritableStream<unknown, unknown>) => call.end(),
    batchAppend: (call: grpc.ServerDuplexStream<BatchAppendReq, BatchAppendResp>) => {
      call.on('data', (request: BatchAppendReq) => {
        revision += request.getProposedMessagesList().length
        if (!request.getIsFinal()) return
        const success = new BatchAppendResp.Success()
        success.setCurrentRevision(String(revision))
        success.setPosition(new AllStreamPosition())
        const answer = new BatchAppendResp()
        answer.setCorrelationId(request.getCorrelationId())
        answer.setSuccess(success)
        call.write(answer)
      })
      call.on('end', () => call.end())
    },
  })
  server.addService(ServerFeaturesService, {
    getSupportedMethods: (_call: unknown, callback: grpc.sendUnaryData<SupportedMethods>) => {
      const supported = new SupportedMethods()
      for (const name of METHODS) {
        const method = new SupportedMethod()
        method.setServiceName('event_store.client.streams.Streams')
        method.setMethodName(name)
        supported.addMethods(method)
      }
      callback(null, supported)
    },
  })
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (cause, port) => {
      if (cause === null) resolve(`esdb://127.0.0.1:${port}?tls=false`)
      else reject(cause)
    })
  })
}

async function main(): Promise<void> {
  const { kind, folder } = workerData as LedgerWorkerData
  const connectionString = kind === 'bare' ? await startBareServer() : (await startLedgerServer({ folder })).connectionString
  parentPort?.postMessage(connectionString)
}

void main()
