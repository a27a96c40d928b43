/**
 * ListCoordinatedGroups, version 0: the groups that the broker which is asked coordinates.
 *
 * - v0: baseline
 */
import { api, array } from "@tarpan/protocol";
import { groupSummary, refusal } from "./operator.ts";

export const ListCoordinatedGroups = api({
  key: 10_002,
  name: "ListCoordinatedGroups",
  versions: "0",
  flexible: "0+",
  request: {},
  response: {
    refusal,
    groups: array(groupSummary),
  },
});
