import type { BrokerState } from "../cluster/broker-state.ts";
import type { GroupCoordinator } from "../groups/coordinator.ts";
import type { GroupsView } from "../http/broker-view.ts";
import type { Logger } from "../logging/logger.ts";
import { Peers } from "../rpc/peers.ts";
import { ClusterGroups } from "./cluster-groups.ts";
import { GroupStatus } from "./group-status.ts";
import { LeaderOffsets } from "./leader-offsets.ts";

interface Parts {
  readonly groups: GroupCoordinator;
  readonly logger: Logger;
  readonly isServing: () => boolean;
}

/** What HTTP shows of consumer groups: this broker's, in a cluster everybody's. */
export function groupsView(
  { metadata, partitions, cluster }: BrokerState,
  { groups, logger, isServing }: Parts,
): GroupsView {
  const peers = cluster && new Peers(cluster.bus, metadata.nodeId, logger);
  const offsets = new LeaderOffsets({ metadata, partitions, peers });
  const own = new GroupStatus({ groups, metadata, offsets, isServing });
  return peers === null ? own : new ClusterGroups({ peers, metadata, groups, own });
}
