/** Sizes and bounds that both sides keep to. Units are in the names. */

export const subprotocol = 'parley.v1'
/** UTF-8 bytes of one text message. */
export const textBytesMax = 65_536
export const profileNameBytesMax = 256
export const devicesPerAccountMax = 10
/** A Send frame. */
export const sendBytesMax = 2 * 1024 * 1024
/** An Entry as served to one device stays below this. */
export const entryBytesMax = 1024 * 1024
/** Any client frame but Send. */
export const controlFrameBytesMax = 64 * 1024
/** Sends that a client may have waiting for Accepted on one connection. */
export const unacceptedSendsMax = 256
/** Entries that the server sends beyond the last Ack. */
export const unackedEntriesMax = 1024
export const fetchEntriesMax = 256
export const cursorsPerHelloMax = 2048
export const presenceSubscriptionsMax = 64
export const resendItemsMax = 64
/** How far a stamp may lie ahead of the server's clock. */
export const stampAheadMs = 5_000
export const keepaliveMs = 25_000
/** The server closes a connection that was silent for this long. */
export const silenceMs = 60_000
export const typingEveryMs = 3_000
export const typingExpiresMs = 6_000
export const oneTimePreKeysPerUpload = 100
export const oneTimePreKeysMax = 200
/** Below this many one-time prekeys the device uploads more (E9). */
export const oneTimePreKeysLow = 20
export const phoneCodeDigits = 6
