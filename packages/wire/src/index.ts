export { decodeClientFrame, encodeClientFrame } from './client-frames.ts'
export * from './close-codes.ts'
export * from './content.ts'
export * from './device-list.ts'
export {
  decodeEntryBody,
  encodeEntryBody,
  encodeEntryFor,
  type StoredEntry,
} from './entry-body.ts'
export * from './errors.ts'
export * from './frames.ts'
export * from './http.ts'
export * from './ids.ts'
export * from './limits.ts'
export * from './position.ts'
export { decodeServerFrame, encodeServerFrame } from './server-frames.ts'
export * from './wire-error.ts'
