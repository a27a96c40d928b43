import type { GroupRecord } from "@tarpan/protocol";
import { GroupLog } from "../../../src/groups/group-log.ts";
import { groupMachine } from "../../../src/groups/machine.ts";
import type { ConsumerGroup } from "../../../src/groups/model/consumer/consumer-group.ts";
import type {
  HeartbeatAnswer,
  HeartbeatRequest,
} from "../../../src/groups/model/consumer/requests.ts";
import type { GroupState } from "../../../src/groups/model/state.ts";
import { consumerHeartbeat } from "../../../src/groups/operations/consumer-heartbeat.ts";
import { silentLogger } from "../../../src/logging/logger.ts";
import { GroupHarness, type PendingGroup } from "../harness.ts";

export { topicId } from "../harness.ts";

export const SESSION_MS = 45_000;
export const REBALANCE_MS = 60_000;
export const HEARTBEAT_MS = 5_000;

/** Runs the coordinator of groups of the consumer protocol. */
export class ConsumerWorld extends GroupHarness {
  beat(request: Partial<HeartbeatRequest>, version = 1): PendingGroup<HeartbeatAnswer> {
    const full: HeartbeatRequest = { ...NOTHING_NEW, ...request };
    const client = { clientId: "client", clientHost: "/127.0.0.1" };
    return this.run(consumerHeartbeat({ request: full, version, ...client }));
  }

  /** A heartbeat that joins. */
  join(memberId: string, request: Partial<HeartbeatRequest> = {}): HeartbeatAnswer {
    return this.beat({ ...JOINING, memberId, ...request }).answer;
  }

  group(groupId = "g"): ConsumerGroup {
    const group = this.state.groups.get(groupId);
    if (group?.kind !== "consumer") throw new Error(`${groupId} is ${group?.kind}`);
    return group;
  }
}

const NOTHING_NEW: HeartbeatRequest = {
  groupId: "g",
  memberId: "",
  memberEpoch: 0,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: -1,
  subscribedTopicNames: null,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: null,
};

export const JOINING = {
  memberEpoch: 0,
  rebalanceTimeoutMs: REBALANCE_MS,
  subscribedTopicNames: ["t"],
  topicPartitions: [],
};

/** Sorted, because the order of a snapshot's records does not matter. */
function sorted(records: readonly GroupRecord[]): string[] {
  return records
    .map((record) =>
      JSON.stringify(record, (_key, value) => (typeof value === "bigint" ? `${value}n` : value)),
    )
    .sort();
}

export function hardState(state: GroupState): string[] {
  return sorted([...snapshot(state)].flat());
}

const { snapshot } = groupMachine(new GroupLog(silentLogger));
