/** Reads what was written to find somebody: a number in any form, a link, or an account id. */
import { homeCountry, loadPhoneNumbers, readPhoneNumber } from '../../text/use-phone-numbers.ts'

const accountId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const linkLike = /^(?:https?:\/\/|www\.)|\/c\//i

/** What the SDK takes as an alias; undefined when it is none. */
export async function readAlias(written: string, ownPhone: string): Promise<string | undefined> {
  const text = written.trim()
  if (accountId.test(text)) return text.toLowerCase()
  if (linkLike.test(text)) return text
  return readPhoneNumber(text, await countryOfNumber(ownPhone))
}

/** National numbers are those of one's own number's country. */
async function countryOfNumber(phone: string): Promise<string> {
  try {
    return (await loadPhoneNumbers()).countryOf(phone) ?? homeCountry()
  } catch {
    return homeCountry()
  }
}
