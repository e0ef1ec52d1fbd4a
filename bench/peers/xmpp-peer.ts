/** What ejabberd and Prosody are asked for beyond what every peer is. */
import type { PeerOptions } from './peer.ts'

export interface XmppPeerOptions extends PeerOptions {
  /**
   * Senders hear what the server has taken (XEP-0198). Without, the server has less to do than
   * ours, which always says it.
   */
  acknowledges: boolean
}
