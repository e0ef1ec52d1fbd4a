// Which version of the official library is expected to do what with us (one that is not listed is
// expected to talk). SPQR came with 0.74.0, the addresses under the MAC with 0.91.0, and from
// 0.92.0 on the library insists on SPQR, as we do.

/**
 * - `full`: it talks to us, both ways, whoever begins.
 * - `downgrade`: it speaks SPQR but would do without. Sessions that we begin run with SPQR; what it
 *   begins lacks the addresses and is refused, and nothing makes us fall back.
 * - `refused`: it knows no SPQR. Nothing of it opens here, nothing of ours opens there.
 */
export type Expectation = 'full' | 'downgrade' | 'refused'

const EXPECTED: Readonly<Record<string, Expectation>> = {
  '0.103.0': 'full',
  '0.100.0': 'full',
  '0.92.2': 'full',
  '0.90.0': 'downgrade',
  '0.67.3': 'refused',
}

/** Without SPQR: whom a version that may fall back falls back for. */
export const WITHOUT_SPQR = '0.67.3'

export function expectationOf(version: string): Expectation {
  return EXPECTED[version] ?? 'full'
}

export const IN_WORDS: Readonly<Record<Expectation, string>> = {
  full: 'every message arrives once and unaltered, both ways',
  downgrade:
    'sessions that we begin run with SPQR both ways, what it begins is refused, nothing falls back',
  refused: 'no message opens on either side, and none leaves a trace',
}
