/** What ejabberd and Prosody are asked for beyond what every peer is. */
import type { XmppOptions } from '../load/xmpp.ts'
import type { PeerOptions } from './peer.ts'

export interface XmppPeerOptions extends PeerOptions {
  /**
   * How often senders ask what the server has taken (XEP-0198). Never: the server has less to do
   * than ours, which always says it.
   */
  asks: XmppOptions['asks']
  /** Messages go into an archive as they pass; without, only those wait for users who are away. */
  archives: boolean
}
