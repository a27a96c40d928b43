/**
 * PartitionChangeRecord, versions 0-2: a change of a partition. A field that is left out has not
 * changed.
 *
 * - v0: baseline
 * - v1: log directories of the replicas (KIP-858)
 * - v2: eligible leader replicas (KIP-966)
 */
import { array, i8, i32, record, uuid } from "../schema.ts";

export const PartitionChangeRecord = record({
  key: 5,
  name: "PartitionChangeRecord",
  versions: "0-2",
  flexible: "0+",
  fields: {
    partitionId: i32.default(-1),
    topicId: uuid,
    isr: array(i32).nullable().default(null).tag(0, "0+"),
    leader: i32.default(-2).tag(1, "0+"),
    replicas: array(i32).nullable().default(null).tag(2, "0+"),
    removingReplicas: array(i32).nullable().default(null).tag(3, "0+"),
    addingReplicas: array(i32).nullable().default(null).tag(4, "0+"),
    leaderRecoveryState: i8.default(-1).tag(5, "0+"),
    directories: array(uuid).nullable().default(null).tag(8, "1+"),
    eligibleLeaderReplicas: array(i32).nullable().default(null).tag(6, "2+"),
    lastKnownElr: array(i32).nullable().default(null).tag(7, "2+"),
  },
});
