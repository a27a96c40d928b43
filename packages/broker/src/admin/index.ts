// For adapters: the operations that an operator can call, their results and errors.
export { AdminError, type AdminErrorKind } from "./admin-error.ts";
export type {
  BrokerAdmin,
  NetworkStatus,
  StorageStatus,
  TopicTraffic,
} from "./broker-admin.ts";
export type {
  ClusterBroker,
  ClusterPartition,
  ClusterStatus,
  ClusterSummary,
  EngineStatus,
  OfflinePartition,
  PartitionStatus,
  Readiness,
} from "./cluster-status.ts";
export type { DelayedAdmin, DelayedFilter, DelayedMessage } from "./delayed-admin.ts";
export type {
  GroupDetail,
  GroupMember,
  GroupOffset,
  GroupSummary,
  GroupsAdmin,
  GroupUsage,
  OffsetMove,
  OffsetReset,
  ResetTarget,
} from "./groups-admin.ts";
export type {
  HalfMessage,
  HalfMessageFilter,
  HalfMessagesAdmin,
  Resolution,
} from "./half-messages-admin.ts";
export type { BrokerRemoval, MembersAdmin } from "./members-admin.ts";
