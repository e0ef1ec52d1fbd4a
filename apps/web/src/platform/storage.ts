/** Whether the browser may clear what the app has stored when space runs low. */

/** Undefined where the browser does not say. */
export async function isStorageKept(): Promise<boolean | undefined> {
  try {
    return await navigator.storage.persisted()
  } catch {
    return undefined
  }
}

/** Asks for it; browsers decide by themselves or ask the person. */
export async function keepStorage(): Promise<boolean> {
  try {
    return await navigator.storage.persist()
  } catch {
    return false
  }
}
