/** The shapes of the HTTP API's answers (wire/http.ts), checked. */
import { apiErrors } from '@parley/wire'
import type {
  ApiErrorCode,
  BundleJson,
  Bundles,
  DeviceRegistered,
  DevicesChanged,
  HandedIn,
  LookupResult,
  NumberProven,
  OwnAccount,
  PreKeyCounts,
  PublicPreKey,
  RegistrationStarted,
  ServerInfo,
  SignedDeviceList,
  SignedListJson,
  SignedPublicPreKey,
  TokenNonce,
  Tokens,
} from '@parley/wire'
import { bytes, count, list, literal, optional, type Parse, shape, text } from './json.ts'

const preKey = shape<PublicPreKey>({ id: count, public_key: text })
const signedPreKey = shape<SignedPublicPreKey>({ id: count, public_key: text, signature: text })
const signedList = shape<SignedListJson>({ body: text, signer: text, signature: text })

export const registrationStarted = shape<RegistrationStarted>({
  registration: text,
  phone: text,
  code_digits: count,
  expires_in_s: count,
  resend_in_s: count,
})

export const numberProven = shape<NumberProven>({
  proof: text,
  account: text,
  device_lists: list(signedList),
})

export const tokens = shape<Tokens>({
  access_token: text,
  token_type: literal('Bearer'),
  expires_in_s: count,
  refresh_token: text,
})

export const tokenNonce = shape<TokenNonce>({ nonce: text })

export const deviceRegistered = shape<DeviceRegistered>({ account: text, device: text, tokens })

export const devicesChanged = shape<DevicesChanged>({ version: count, tokens: optional(tokens) })

export const handedIn = shape<HandedIn>({ version: count })

export const ownAccount = shape<OwnAccount>({ account: text, device: text, phone: text })

export const preKeyCounts = shape<PreKeyCounts>({
  one_time_prekeys: count,
  one_time_kyber_prekeys: count,
})

export const lookupResult = shape<LookupResult>({ account: text })

export const deviceLists = shape<{ device_lists: SignedDeviceList[] }>({
  device_lists: list(shape<SignedDeviceList>({ body: bytes, signer: bytes, signature: bytes })),
})

export const bundles = shape<Bundles>({
  bundles: list(
    shape<BundleJson>({
      device: text,
      registration_id: count,
      signed_prekey: signedPreKey,
      kyber_prekey: signedPreKey,
      one_time_prekey: optional(preKey),
    }),
  ),
})

export const serverInfo = shape<ServerInfo>({
  name: text,
  version: text,
  time_ms: count,
  default_country: optional(text),
})

/** An error that a newer server has and this version does not know is undefined. */
export const apiError: Parse<{
  code: ApiErrorCode | undefined
  retryAfterS: number | undefined
}> = (value) => {
  const { error } = shape({ error: shape({ code: text, retry_after_s: optional(count) }) })(value)
  const code = Object.hasOwn(apiErrors, error.code) ? (error.code as ApiErrorCode) : undefined
  return { code, retryAfterS: error.retry_after_s }
}
