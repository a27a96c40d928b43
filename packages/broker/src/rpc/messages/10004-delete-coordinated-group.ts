/**
 * DeleteCoordinatedGroup, version 0: a group without members goes, and what it committed.
 *
 * - v0: baseline
 */
import { api, string } from "@tarpan/protocol";
import { refusal } from "./operator.ts";

export const DeleteCoordinatedGroup = api({
  key: 10_004,
  name: "DeleteCoordinatedGroup",
  versions: "0",
  flexible: "0+",
  request: {
    groupId: string,
  },
  response: {
    refusal,
  },
});
