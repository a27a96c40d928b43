import { ErrorCode } from "@tarpan/protocol";

/**
 * The error code for a client's version: below `since` it does not know PRODUCER_FENCED, and gets
 * INVALID_PRODUCER_EPOCH as from brokers of its time (KIP-588).
 */
export function fencedCode(errorCode: number, version: number, since: number): ErrorCode {
  const isUnknown = errorCode === ErrorCode.PRODUCER_FENCED && version < since;
  return isUnknown ? ErrorCode.INVALID_PRODUCER_EPOCH : (errorCode as ErrorCode);
}
