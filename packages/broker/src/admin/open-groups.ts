import type { ClusterAccess } from "../cluster/cluster-access.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Partitions } from "../partition/partitions.ts";
import { ClusterGroups } from "./cluster-groups.ts";
import type { GroupsAdmin } from "./groups-admin.ts";
import { LeaderOffsets } from "./leader-offsets.ts";
import { OwnGroups } from "./own-groups.ts";

/** The parts of a broker that groups need. */
interface Opened {
  readonly metadata: Metadata;
  readonly partitions: Partitions;
  /** Null for a standalone broker. */
  readonly cluster: ClusterAccess | null;
}

interface Parts {
  readonly groups: GroupCoordinator;
  readonly isServing: () => boolean;
}

/** The consumer groups: this broker's, in a cluster those of all brokers. */
export function groupsAdmin(
  { metadata, partitions, cluster }: Opened,
  { groups, isServing }: Parts,
): GroupsAdmin {
  const rpc = cluster?.rpc ?? null;
  const offsets = new LeaderOffsets({ metadata, partitions, rpc });
  const own = new OwnGroups({ groups, metadata, offsets, isServing });
  return rpc === null ? own : new ClusterGroups({ rpc, metadata, groups, own });
}
