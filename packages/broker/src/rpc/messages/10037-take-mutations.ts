/**
 * TakeMutations, version 0: takes partitions that a client's request creates or deletes from its
 * `controller_mutation_rate`, which the controller measures.
 *
 * - v0: baseline
 */
import { api, array, bool, i32, string } from "@tarpan/protocol";

export const TakeMutations = api({
  key: 10_037,
  name: "TakeMutations",
  versions: "0",
  flexible: "0+",
  request: {
    user: string,
    clientId: string.nullable(),
    /** Whether what is above the quota is refused; otherwise it only throttles. */
    isStrict: bool,
    /** Of each part of the request. */
    partitions: array(i32),
  },
  response: {
    throttleTimeMs: i32,
    /** For each part, in the same order. */
    granted: array(bool),
  },
});
