import { ErrorCode, SaslAuthenticate } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { handler } from "./handler.ts";

/**
 * SaslAuthenticate: v0-2. v1 session lifetime (KIP-368) · v2 flexible.
 * On a listener with SASL the gate answers (sasl/sasl-gate.ts). Here it comes to a listener
 * without, or after the authentication: as in Kafka, ILLEGAL_SASL_STATE.
 */
export const saslAuthenticate = handler({
  api: SaslAuthenticate,
  versions: "0-2",
  authorize: [],
  handle: () => ({ ...refused(ErrorCode.ILLEGAL_SASL_STATE, OUT_OF_PLACE), authBytes: NONE }),
  failure: (_request, errorCode) => ({ ...refused(errorCode), authBytes: NONE }),
});

const OUT_OF_PLACE = "SaslAuthenticate request received after successful authentication";

const NONE = new Uint8Array(0);
