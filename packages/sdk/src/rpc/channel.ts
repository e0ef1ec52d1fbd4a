/** The broadcast channel between the tabs of one origin and the worker of one of them. */
import type { ChannelMessage } from './messages.ts'
import { parseMessage } from './parse-message.ts'

export interface EngineChannel {
  /** To everybody else on the channel; values are copied. */
  post(message: ChannelMessage): void
  /** What is no message of this version is dropped. */
  listen(handle: (message: ChannelMessage) => void): void
  close(): void
}

export function openBroadcastChannel(name: string): EngineChannel {
  const channel = new BroadcastChannel(name)
  return channelOver(channel)
}

/** A channel with two ends, for an engine that nobody else can hear. */
export function openChannelPair(): [EngineChannel, EngineChannel] {
  const { port1, port2 } = new MessageChannel()
  return [channelOver(port1), channelOver(port2)]
}

function channelOver(port: BroadcastChannel | MessagePort): EngineChannel {
  return {
    post: (message) => port.postMessage(message),
    listen(handle) {
      port.onmessage = (event: { data: unknown }) => {
        const message = parseMessage(event.data)
        if (message) handle(message)
      }
    },
    close: () => port.close(),
  }
}
