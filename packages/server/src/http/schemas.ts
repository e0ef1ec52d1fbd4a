/**
 * Schemas of the HTTP API's bodies, checked at compile time against the types that clients use
 * (wire/http.ts). Parsing turns base64url and ids into the types that the modules work on.
 */
import { z } from '@hono/zod-openapi'
import {
  type ApiErrorBody,
  apiErrors,
  type BundleRequest,
  type Bundles,
  type ChangeDevices,
  type DeviceLists,
  type DeviceRegistered,
  type DevicesChanged,
  devicesPerAccountMax,
  fromBase64,
  type HandedIn,
  type HandInList,
  type Lookup,
  type LookupResult,
  type NumberProven,
  oneTimePreKeysPerUpload,
  type OwnAccount,
  parseAccountId,
  parseDeviceId,
  type PreKeyCounts,
  type PreKeyUpload,
  phoneCodeDigits,
  type ProveNumber,
  type RegisterDevice,
  type RegistrationStarted,
  type ServerInfo,
  type SignedListJson,
  type StartRegistration,
  type TokenNonce,
  type TokenRequest,
  type Tokens,
} from '@parley/wire'

/** A schema of what a client sends as T, parsed to whatever the module wants. */
type RequestOf<T> = z.ZodType<unknown, T>
type ResponseOf<T> = z.ZodType<T>

const listBodyCharactersMax = 4_096
const keyCharactersMax = 2_100
const secretCharactersMax = 100
const preKeyIdMax = 0xff_ffff
const registrationIdMax = 0x3fff

interface Size {
  min: number
  max: number
}

function fits(size: number, { min, max }: Size): boolean {
  return size >= min && size <= max
}

/**
 * The bounds that zod has look at whatever has a `length`, be it a text or not, and throw when that
 * cannot be compared: `{"length":{"toString":1}}` in place of a text would be a mistake of the
 * server. So sizes are looked at here, of what is a text or a list.
 */
export function textOf(size: Size) {
  const { min, max } = size
  return z
    .string()
    .refine((text) => fits(text.length, size), {
      error: `${min} to ${max} characters were expected`,
    })
    .openapi({ ...(min > 0 && { minLength: min }), maxLength: max })
}

function listOf<Item extends z.ZodType>(item: Item, size: Size) {
  const { min, max } = size
  return z
    .array(item)
    .refine((items) => fits(items.length, size), { error: `${min} to ${max} items were expected` })
    .openapi({ ...(min > 0 && { minItems: min }), maxItems: max })
}

function bytes(charactersMax: number) {
  return textOf({ min: 0, max: charactersMax })
    .transform((text, context) => {
      const value = fromBase64(text)
      if (value) return value
      context.addIssue({ code: 'custom', message: 'not base64url without padding' })
      return z.NEVER
    })
    .openapi({ description: 'Base64url without padding.' })
}

/** Throws of the wire's parsers become issues. */
function parsedBy<T>(parse: (text: string) => T, pattern: RegExp) {
  return z
    .string()
    .regex(pattern)
    .transform((text) => parse(text))
}

export const accountId = parsedBy(
  parseAccountId,
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
)
const deviceId = parsedBy(parseDeviceId, /^[0-9a-f]{32}$/)
const base64Text = z.string().openapi({ description: 'Base64url without padding.' })
const phoneText = textOf({ min: 1, max: 40 }).openapi({
  description: 'With its country code, unless the server has a default country.',
})
const secret = textOf({ min: 1, max: secretCharactersMax })

const signedList = z.object({
  body: bytes(listBodyCharactersMax),
  signer: bytes(secretCharactersMax),
  signature: bytes(secretCharactersMax),
}) satisfies RequestOf<SignedListJson>

const preKeyId = z.int().min(0).max(preKeyIdMax)
const publicPreKey = z
  .object({ id: preKeyId, public_key: bytes(secretCharactersMax) })
  .transform((key) => ({ id: key.id, publicKey: key.public_key }))
const signedPreKey = z
  .object({
    id: preKeyId,
    public_key: bytes(keyCharactersMax),
    signature: bytes(secretCharactersMax),
  })
  .transform(({ id, public_key: publicKey, signature }) => ({ id, publicKey, signature }))

const uploaded: Size = { min: 0, max: oneTimePreKeysPerUpload }

export const preKeyUpload = z
  .object({
    registration_id: z.int().min(0).max(registrationIdMax),
    signed_prekey: signedPreKey,
    kyber_prekey: signedPreKey,
    one_time_prekeys: listOf(publicPreKey, uploaded).openapi({
      description: 'Ids grow from upload to upload; lower ones are passed over.',
    }),
    one_time_kyber_prekeys: listOf(signedPreKey, uploaded),
  })
  .transform((keys) => ({
    registrationId: keys.registration_id,
    signed: keys.signed_prekey,
    kyber: keys.kyber_prekey,
    oneTime: keys.one_time_prekeys,
    oneTimeKyber: keys.one_time_kyber_prekeys,
  })) satisfies RequestOf<PreKeyUpload>

export const startRegistration = z.object({
  phone: phoneText,
}) satisfies RequestOf<StartRegistration>

export const registrationStarted = z.object({
  registration: z.string(),
  phone: z.string(),
  code_digits: z.int(),
  expires_in_s: z.int(),
  resend_in_s: z.int(),
}) satisfies ResponseOf<RegistrationStarted>

export const proveNumber = z.object({
  code: z.string().regex(new RegExp(`^[0-9]{${phoneCodeDigits}}$`)),
}) satisfies RequestOf<ProveNumber>

const signedListJson = z.object({
  body: base64Text,
  signer: base64Text,
  signature: base64Text,
}) satisfies ResponseOf<SignedListJson>

export const numberProven = z.object({
  proof: z.string(),
  account: z.string(),
  device_lists: z.array(signedListJson),
}) satisfies ResponseOf<NumberProven>

export const registerDevice = z.object({
  proof: secret,
  device_list: signedList,
  device: deviceId,
  prekeys: preKeyUpload,
}) satisfies RequestOf<RegisterDevice>

export const tokens = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in_s: z.int(),
  refresh_token: z.string(),
}) satisfies ResponseOf<Tokens>

export const deviceRegistered = z.object({
  account: z.string(),
  device: z.string(),
  tokens,
}) satisfies ResponseOf<DeviceRegistered>

export const tokenRequest = z.discriminatedUnion('grant_type', [
  z.object({ grant_type: z.literal('refresh_token'), refresh_token: secret }),
  z.object({
    grant_type: z.literal('device_signature'),
    account: accountId,
    device: deviceId,
    nonce: secret,
    signature: bytes(secretCharactersMax),
  }),
]) satisfies RequestOf<TokenRequest>

export const tokenNonce = z.object({ nonce: base64Text }) satisfies ResponseOf<TokenNonce>

export const ownAccount = z.object({
  account: z.string(),
  device: z.string(),
  phone: z.string(),
}) satisfies ResponseOf<OwnAccount>

export const changeDevices = z.object({
  device_list: signedList,
  new_device: z.object({ device: deviceId, prekeys: preKeyUpload }).optional(),
}) satisfies RequestOf<ChangeDevices>

export const devicesChanged = z.object({
  version: z.int(),
  tokens: tokens.optional(),
}) satisfies ResponseOf<DevicesChanged>

export const preKeyCounts = z.object({
  one_time_prekeys: z.int(),
  one_time_kyber_prekeys: z.int(),
}) satisfies ResponseOf<PreKeyCounts>

export const lookup = z.object({ phone: phoneText }) satisfies RequestOf<Lookup>
export const lookupResult = z.object({ account: z.string() }) satisfies ResponseOf<LookupResult>

export const deviceLists = z.object({
  device_lists: z.array(signedListJson),
}) satisfies ResponseOf<DeviceLists>

export const handInList = z.object({ device_list: signedList }) satisfies RequestOf<HandInList>

export const handedIn = z.object({ version: z.int() }) satisfies ResponseOf<HandedIn>

export const bundleRequest = z.object({
  devices: listOf(deviceId, { min: 1, max: devicesPerAccountMax }),
}) satisfies RequestOf<BundleRequest>

const publicPreKeyJson = z.object({ id: z.int(), public_key: base64Text })
const signedPreKeyJson = publicPreKeyJson.extend({ signature: base64Text })

export const bundles = z.object({
  bundles: z.array(
    z.object({
      device: z.string(),
      registration_id: z.int(),
      signed_prekey: signedPreKeyJson,
      kyber_prekey: signedPreKeyJson,
      one_time_prekey: publicPreKeyJson.optional(),
    }),
  ),
}) satisfies ResponseOf<Bundles>

export const serverInfo = z.object({
  name: z.string(),
  version: z.string(),
  time_ms: z.int(),
  default_country: z.string().optional(),
}) satisfies ResponseOf<ServerInfo>

const errorCodes = Object.keys(apiErrors) as (keyof typeof apiErrors)[]

export const errorBody = z.object({
  error: z.object({
    code: z.enum(errorCodes),
    message: z.string(),
    retry_after_s: z.int().optional(),
  }),
}) satisfies ResponseOf<ApiErrorBody>
