// The few declarations of the official library that the oracle uses, so that the tree type-checks
// whether or not the library is installed.

declare module '@signalapp/libsignal-client' {
  type Bytes = Uint8Array
  export class PublicKey {
    static deserialize(bytes: Bytes): PublicKey
    serialize(): Bytes
  }
  export class PrivateKey {
    static generate(): PrivateKey
    getPublicKey(): PublicKey
    sign(message: Bytes): Bytes
    serialize(): Bytes
  }
  export class KEMPublicKey {
    static deserialize(bytes: Bytes): KEMPublicKey
    serialize(): Bytes
  }
  export class KEMSecretKey {
    serialize(): Bytes
  }
  export class KEMKeyPair {
    static generate(): KEMKeyPair
    getPublicKey(): KEMPublicKey
  }
  export class ProtocolAddress {
    static new(name: string, device: number): ProtocolAddress
    toString(): string
  }
  export class PreKeyRecord {
    static new(id: number, publicKey: PublicKey, privateKey: PrivateKey): PreKeyRecord
    static deserialize(bytes: Bytes): PreKeyRecord
    serialize(): Bytes
    privateKey(): PrivateKey
  }
  export class SignedPreKeyRecord {
    static new(
      id: number,
      timestamp: number,
      publicKey: PublicKey,
      privateKey: PrivateKey,
      signature: Bytes,
    ): SignedPreKeyRecord
    static deserialize(bytes: Bytes): SignedPreKeyRecord
    serialize(): Bytes
    privateKey(): PrivateKey
  }
  export class KyberPreKeyRecord {
    static new(id: number, timestamp: number, pair: KEMKeyPair, signature: Bytes): KyberPreKeyRecord
    static deserialize(bytes: Bytes): KyberPreKeyRecord
    serialize(): Bytes
    secretKey(): KEMSecretKey
  }
  export class PreKeyBundle {
    static new(
      registrationId: number,
      device: number,
      preKeyId: number | null,
      preKey: PublicKey | null,
      signedPreKeyId: number,
      signedPreKey: PublicKey,
      signedPreKeySignature: Bytes,
      identityKey: PublicKey,
      kyberPreKeyId: number | null,
      kyberPreKey: KEMPublicKey | null,
      kyberPreKeySignature: Bytes | null,
    ): PreKeyBundle
  }
  export class SessionRecord {
    static deserialize(bytes: Bytes): SessionRecord
    serialize(): Bytes
    archiveCurrentState(): void
  }
  export class CiphertextMessage {
    serialize(): Bytes
    type(): number
  }
  export class SignalMessage {
    static deserialize(bytes: Bytes): SignalMessage
  }
  export class PreKeySignalMessage {
    static deserialize(bytes: Bytes): PreKeySignalMessage
  }
  export class SenderKeyRecord {
    static deserialize(bytes: Bytes): SenderKeyRecord
    serialize(): Bytes
  }
  export class SenderKeyDistributionMessage {
    static create(
      sender: ProtocolAddress,
      distributionId: string,
      store: SenderKeyStore,
    ): Promise<SenderKeyDistributionMessage>
    static deserialize(bytes: Bytes): SenderKeyDistributionMessage
    serialize(): Bytes
  }
  export class Fingerprint {
    static new(
      iterations: number,
      version: number,
      localId: Bytes,
      localKey: PublicKey,
      remoteId: Bytes,
      remoteKey: PublicKey,
    ): Fingerprint
    displayableFingerprint(): { toString(): string }
    scannableFingerprint(): { toBuffer(): Bytes }
  }
  /** Newer versions only. */
  export const IdentityChange: object | undefined
  export class SessionStore {}
  export class IdentityKeyStore {}
  export class PreKeyStore {}
  export class SignedPreKeyStore {}
  export class KyberPreKeyStore {}
  export class SenderKeyStore {}
  type Arguments = readonly unknown[]
  export function processPreKeyBundle(...args: Arguments): Promise<void>
  export function signalEncrypt(...args: Arguments): Promise<CiphertextMessage>
  export function signalDecrypt(...args: Arguments): Promise<Bytes>
  export function signalDecryptPreKey(...args: Arguments): Promise<Bytes>
  export function processSenderKeyDistributionMessage(
    sender: ProtocolAddress,
    message: SenderKeyDistributionMessage,
    store: SenderKeyStore,
  ): Promise<void>
  export function groupEncrypt(
    sender: ProtocolAddress,
    distributionId: string,
    store: SenderKeyStore,
    message: Bytes,
  ): Promise<CiphertextMessage>
  export function groupDecrypt(
    sender: ProtocolAddress,
    store: SenderKeyStore,
    message: Bytes,
  ): Promise<Bytes>
}
