/** Real randomness, for what no seed has to repeat. */
export const machineRandom = (length: number) => crypto.getRandomValues(new Uint8Array(length))
