/** The standard WebSocket behind the port: the same in browsers and under Bun. */
import { entryBytesMax, subprotocol } from '@parley/wire'
import type { Socket, SocketHandlers } from './ports.ts'

const normalClosure = 1000
/** What a browser reports for a connection that broke without a closing handshake. */
const abnormalClosure = 1006
/**
 * What a browser itself reports for a message that it cannot take: the connection is broken, and is
 * made anew.
 */
const unsupportedData = 1003
const messageTooBig = 1009

export function openWebSocket(url: string, handlers: SocketHandlers): Socket {
  let socket: WebSocket
  try {
    socket = new WebSocket(url, subprotocol)
  } catch {
    queueMicrotask(() => handlers.closed(abnormalClosure))
    return { send() {}, bufferedBytes: () => 0, close() {} }
  }
  socket.binaryType = 'arraybuffer'
  let isClosed = false
  const closed = (code: number) => {
    if (isClosed) return
    isClosed = true
    handlers.closed(code)
  }
  socket.onopen = () => handlers.open()
  socket.onclose = (event) => closed(event.code)
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (isClosed) return
    const refusal = refusalOf(event.data)
    if (refusal !== undefined) {
      socket.close(normalClosure)
      closed(refusal)
      return
    }
    handlers.message(new Uint8Array(event.data as ArrayBuffer))
  }
  return {
    send(bytes) {
      if (socket.readyState === WebSocket.OPEN) socket.send(bytes as Uint8Array<ArrayBuffer>)
    },
    bufferedBytes: () => socket.bufferedAmount,
    close: (code) => socket.close(code),
  }
}

/**
 * Text, and frames larger than an entry can be, are not from a server that keeps to the protocol.
 */
function refusalOf(message: unknown): number | undefined {
  if (!(message instanceof ArrayBuffer)) return unsupportedData
  return message.byteLength > entryBytesMax ? messageTooBig : undefined
}
