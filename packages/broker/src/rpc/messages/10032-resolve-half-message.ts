/**
 * ResolveHalfMessage, version 0: commits a half message that waits for its resolution, or rolls it
 * back.
 *
 * - v0: baseline
 */
import { api, bool, bytes, string } from "@tarpan/protocol";
import { refusal } from "./operator.ts";

export const ResolveHalfMessage = api({
  key: 10_032,
  name: "ResolveHalfMessage",
  versions: "0",
  flexible: "0+",
  request: {
    group: string,
    id: bytes,
    /** False: it is rolled back. */
    commit: bool,
  },
  response: {
    refusal,
    /** Whether it waited at the broker that was asked. */
    found: bool,
  },
});
