/**
 * The generated protobuf code, which the tests hold our own against. Whatever runs does without it:
 * it reflects on its schemas, and costs every process 30 ms and 15 MB at the start.
 */
export * from './gen/parley/v1/content_pb.js'
export * from './gen/parley/v1/devices_pb.js'
export * from './gen/parley/v1/frames_pb.js'
export * from './gen/parley/v1/storage_pb.js'
