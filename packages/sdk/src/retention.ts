/** What is older than the logs keep can neither be delivered nor asked for. */
export const retentionMs = 90 * 86_400_000
