/** From the modules' types to the JSON of the answers. */
import {
  type BundleJson,
  type SignedDeviceList,
  type SignedListJson,
  type SignedPublicPreKey,
  toBase64,
} from '@parley/wire'
import type { Bundle } from '../accounts/bundles.ts'
import type { SignedPreKeyBytes } from '../accounts/prekeys.ts'

export function listJson({ body, signer, signature }: SignedDeviceList): SignedListJson {
  return { body: toBase64(body), signer: toBase64(signer), signature: toBase64(signature) }
}

export function bundleJson(bundle: Bundle): BundleJson {
  const { oneTime } = bundle
  return {
    device: bundle.device,
    registration_id: bundle.registrationId,
    signed_prekey: signedJson(bundle.signed),
    kyber_prekey: signedJson(bundle.kyber),
    ...(oneTime && {
      one_time_prekey: { id: oneTime.id, public_key: toBase64(oneTime.publicKey) },
    }),
  }
}

function signedJson({ id, publicKey, signature }: SignedPreKeyBytes): SignedPublicPreKey {
  return { id, public_key: toBase64(publicKey), signature: toBase64(signature) }
}
