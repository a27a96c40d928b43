/**
 * ChangeHeld, version 0: cancels a message that waits, or makes it due now.
 *
 * - v0: baseline
 */
import { api, bool, bytes } from "@tarpan/protocol";
import { refusal } from "./operator.ts";

export const ChangeHeld = api({
  key: 10_030,
  name: "ChangeHeld",
  versions: "0",
  flexible: "0+",
  request: {
    id: bytes,
    /** Makes it due now; if false, it is cancelled. */
    hurry: bool,
  },
  response: {
    refusal,
    /** Whether it waited at the broker that was asked. */
    found: bool,
  },
});
