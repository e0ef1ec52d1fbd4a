// The stores that the official library asks for, in memory. `restart` puts everything that the
// library made through its serialised form, as a restart of the program would.

import type * as Libsignal from '@signalapp/libsignal-client'

export type Library = typeof Libsignal

export interface Stores {
  identity: Libsignal.PrivateKey
  registrationId: number
  sessions: Map<string, Libsignal.SessionRecord>
  identities: Map<string, Libsignal.PublicKey>
  oneTime: Map<number, Libsignal.PreKeyRecord>
  signed: Map<number, Libsignal.SignedPreKeyRecord>
  kyber: Map<number, Libsignal.KyberPreKeyRecord>
  /** By sender and distribution id. */
  senderKeys: Map<string, Libsignal.SenderKeyRecord>
}

export function newStores(library: Library, registrationId: number): Stores {
  return {
    identity: library.PrivateKey.generate(),
    registrationId,
    sessions: new Map(),
    identities: new Map(),
    oneTime: new Map(),
    signed: new Map(),
    kyber: new Map(),
    senderKeys: new Map(),
  }
}

export function restartStores(library: Library, stores: Stores): void {
  for (const [key, record] of stores.sessions) {
    stores.sessions.set(key, library.SessionRecord.deserialize(record.serialize()))
  }
  for (const [id, record] of stores.oneTime) {
    stores.oneTime.set(id, library.PreKeyRecord.deserialize(record.serialize()))
  }
  for (const [id, record] of stores.signed) {
    stores.signed.set(id, library.SignedPreKeyRecord.deserialize(record.serialize()))
  }
  for (const [id, record] of stores.kyber) {
    stores.kyber.set(id, library.KyberPreKeyRecord.deserialize(record.serialize()))
  }
  for (const [name, record] of stores.senderKeys) {
    stores.senderKeys.set(name, library.SenderKeyRecord.deserialize(record.serialize()))
  }
}

/** The store objects that the library calls back, over the maps. */
export function storeFaces(library: Library, stores: Stores) {
  return {
    sessions: sessionFace(library, stores),
    identities: identityFace(library, stores),
    oneTime: oneTimeFace(library, stores),
    signed: signedFace(library, stores),
    kyber: kyberFace(library, stores),
    senderKeys: senderKeyFace(library, stores),
  }
}

function sessionFace(library: Library, { sessions }: Stores) {
  return new (class extends library.SessionStore {
    async saveSession(address: Libsignal.ProtocolAddress, record: Libsignal.SessionRecord) {
      sessions.set(address.toString(), record)
    }
    async getSession(address: Libsignal.ProtocolAddress) {
      return sessions.get(address.toString()) ?? null
    }
  })()
}

function identityFace(library: Library, { identity, registrationId, identities }: Stores) {
  return new (class extends library.IdentityKeyStore {
    async getIdentityKey() {
      return identity
    }
    async getLocalRegistrationId() {
      return registrationId
    }
    /** Whether an earlier key was replaced: older versions want a truth value, newer a number. */
    async saveIdentity(address: Libsignal.ProtocolAddress, key: Libsignal.PublicKey) {
      identities.set(address.toString(), key)
      return library.IdentityChange === undefined ? false : 0
    }
    async isTrustedIdentity(address: Libsignal.ProtocolAddress, key: Libsignal.PublicKey) {
      const known = identities.get(address.toString())
      return known === undefined || Buffer.compare(known.serialize(), key.serialize()) === 0
    }
    async getIdentity(address: Libsignal.ProtocolAddress) {
      return identities.get(address.toString()) ?? null
    }
  })()
}

function oneTimeFace(library: Library, { oneTime }: Stores) {
  return new (class extends library.PreKeyStore {
    async getPreKey(id: number) {
      return present(oneTime.get(id))
    }
    async removePreKey(id: number) {
      oneTime.delete(id)
    }
  })()
}

function signedFace(library: Library, { signed }: Stores) {
  return new (class extends library.SignedPreKeyStore {
    async getSignedPreKey(id: number) {
      return present(signed.get(id))
    }
  })()
}

function kyberFace(library: Library, { kyber }: Stores) {
  return new (class extends library.KyberPreKeyStore {
    async getKyberPreKey(id: number) {
      return present(kyber.get(id))
    }
    async markKyberPreKeyUsed() {}
  })()
}

function senderKeyFace(library: Library, { senderKeys }: Stores) {
  return new (class extends library.SenderKeyStore {
    async saveSenderKey(
      sender: Libsignal.ProtocolAddress,
      distributionId: string,
      record: Libsignal.SenderKeyRecord,
    ) {
      senderKeys.set(senderKeyName(sender, distributionId), record)
    }
    async getSenderKey(sender: Libsignal.ProtocolAddress, distributionId: string) {
      return senderKeys.get(senderKeyName(sender, distributionId)) ?? null
    }
  })()
}

export function senderKeyName(sender: Libsignal.ProtocolAddress, distributionId: string): string {
  return `${sender.toString()} ${distributionId}`
}

export function present<T>(record: T | undefined): T {
  if (record === undefined) throw new Error('no such prekey')
  return record
}
