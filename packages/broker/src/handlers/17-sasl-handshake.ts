import { ErrorCode, SaslHandshake } from "@tarpan/protocol";
import { handler } from "./handler.ts";

/**
 * SaslHandshake: v0-1. v0 raw tokens follow · v1 SaslAuthenticate requests follow (KIP-152).
 * On a listener with SASL the gate answers (sasl/sasl-gate.ts). Here it comes to a listener
 * without, or too soon after the last authentication: as in Kafka, ILLEGAL_SASL_STATE.
 */
export const saslHandshake = handler({
  api: SaslHandshake,
  versions: "0-1",
  authorize: [],
  handle: () => ({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] }),
  failure: (_request, errorCode) => ({ errorCode, mechanisms: [] }),
});
