/**
 * Frames of the bare relay: receiver (4 bytes), kind (1), sender (4), number (4); a message goes on
 * with the rest of its body. The receipt ends there.
 */
export const kindAt = 4
export const senderAt = 5
export const numberAt = 9
export const headBytes = 13
export const messageKind = 77
export const receiptKind = 82
