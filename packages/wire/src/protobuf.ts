/** The generated protobuf code under one door. */
export * from './gen/parley/v1/content_pb.js'
export * from './gen/parley/v1/devices_pb.js'
export * from './gen/parley/v1/frames_pb.js'
export * from './gen/parley/v1/storage_pb.js'
