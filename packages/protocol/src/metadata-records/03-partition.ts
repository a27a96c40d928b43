/**
 * PartitionRecord, versions 0-2: a partition at its creation, or at a snapshot.
 *
 * - v0: baseline
 * - v1: log directories of the replicas (KIP-858)
 * - v2: eligible leader replicas (KIP-966)
 */
import { array, i8, i32, record, uuid } from "../schema.ts";

export const PartitionRecord = record({
  key: 3,
  name: "PartitionRecord",
  versions: "0-2",
  flexible: "0+",
  fields: {
    partitionId: i32.default(-1),
    topicId: uuid,
    replicas: array(i32),
    isr: array(i32),
    removingReplicas: array(i32),
    addingReplicas: array(i32),
    leader: i32.default(-1),
    leaderRecoveryState: i8.default(0).tag(0, "0+"),
    leaderEpoch: i32.default(-1),
    partitionEpoch: i32.default(-1),
    directories: array(uuid).in("1+"),
    eligibleLeaderReplicas: array(i32).nullable().default(null).tag(1, "2+"),
    lastKnownElr: array(i32).nullable().default(null).tag(2, "2+"),
  },
});
