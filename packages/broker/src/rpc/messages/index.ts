import { AddPartitionsToTxn, type AnyApi, type AnyRecord, WriteTxnMarkers } from "@tarpan/protocol";
import { BrokerHeartbeat } from "./10000-broker-heartbeat.ts";
import { ListCoordinatedGroups } from "./10002-list-coordinated-groups.ts";
import { DescribeCoordinatedGroup } from "./10003-describe-coordinated-group.ts";
import { DeleteCoordinatedGroup } from "./10004-delete-coordinated-group.ts";
import { ResetCoordinatedOffsets } from "./10005-reset-coordinated-offsets.ts";
import { LedEndOffsets } from "./10006-led-end-offsets.ts";
import { PlanLedOffsets } from "./10007-plan-led-offsets.ts";
import { RegisterBroker } from "./10010-register-broker.ts";
import { AllocateProducerIds } from "./10011-allocate-producer-ids.ts";
import { CreateTopics } from "./10012-create-topics.ts";
import { CreateOffsetsTopic } from "./10013-create-offsets-topic.ts";
import { DeleteTopics } from "./10014-delete-topics.ts";
import { CreatePartitions } from "./10015-create-partitions.ts";
import { AlterConfigs } from "./10016-alter-configs.ts";
import { ElectLeaders } from "./10017-elect-leaders.ts";
import { AlterReassignments } from "./10018-alter-reassignments.ts";
import { ListReassignments } from "./10019-list-reassignments.ts";
import { UnregisterBroker } from "./10020-unregister-broker.ts";
import { DescribeQuorum } from "./10021-describe-quorum.ts";
import { LeaveCluster } from "./10022-leave-cluster.ts";
import { RemoveBroker } from "./10023-remove-broker.ts";
import { MetadataEnd } from "./10024-metadata-end.ts";
import { CreateTransactionTopic } from "./10025-create-transaction-topic.ts";
import { UpdateFeatures } from "./10026-update-features.ts";
import { CreateHeldTopic } from "./10027-create-held-topic.ts";
import { DeliverHeld } from "./10028-deliver-held.ts";
import { ListHeld } from "./10029-list-held.ts";
import { ChangeHeld } from "./10030-change-held.ts";
import { ListHalfMessages } from "./10031-list-half-messages.ts";
import { ResolveHalfMessage } from "./10032-resolve-half-message.ts";
import { CreateAcls } from "./10033-create-acls.ts";
import { DeleteAcls } from "./10034-delete-acls.ts";
import { AlterUsers } from "./10035-alter-users.ts";
import { AlterQuotas } from "./10036-alter-quotas.ts";
import { TakeMutations } from "./10037-take-mutations.ts";

export {
  AllocateProducerIds,
  AlterConfigs,
  AlterQuotas,
  AlterReassignments,
  AlterUsers,
  BrokerHeartbeat,
  ChangeHeld,
  CreateAcls,
  CreateHeldTopic,
  CreateOffsetsTopic,
  CreatePartitions,
  CreateTopics,
  CreateTransactionTopic,
  DeleteAcls,
  DeleteCoordinatedGroup,
  DeleteTopics,
  DeliverHeld,
  DescribeCoordinatedGroup,
  DescribeQuorum,
  ElectLeaders,
  LeaveCluster,
  LedEndOffsets,
  ListCoordinatedGroups,
  ListHalfMessages,
  ListHeld,
  ListReassignments,
  MetadataEnd,
  PlanLedOffsets,
  RegisterBroker,
  RemoveBroker,
  ResetCoordinatedOffsets,
  ResolveHalfMessage,
  TakeMutations,
  UnregisterBroker,
  UpdateFeatures,
};

/**
 * All that brokers ask each other. A message of Kafka's that is asked between brokers has Kafka's
 * key; Tarpan's own count from 10,000, the controller's operations from 10,010.
 */
export const calls: readonly AnyApi[] = [
  ListCoordinatedGroups,
  DescribeCoordinatedGroup,
  DeleteCoordinatedGroup,
  ResetCoordinatedOffsets,
  LedEndOffsets,
  PlanLedOffsets,
  RegisterBroker,
  AllocateProducerIds,
  CreateTopics,
  CreateOffsetsTopic,
  DeleteTopics,
  CreatePartitions,
  AlterConfigs,
  ElectLeaders,
  AlterReassignments,
  ListReassignments,
  UnregisterBroker,
  DescribeQuorum,
  LeaveCluster,
  RemoveBroker,
  MetadataEnd,
  CreateTransactionTopic,
  UpdateFeatures,
  CreateHeldTopic,
  DeliverHeld,
  ListHeld,
  ChangeHeld,
  AlterUsers,
  AlterQuotas,
  TakeMutations,
  ListHalfMessages,
  ResolveHalfMessage,
  CreateAcls,
  DeleteAcls,
  AddPartitionsToTxn,
  WriteTxnMarkers,
];

/** All that a broker tells whoever listens. One has one version for ever, and grows by tags. */
export const broadcasts: readonly AnyRecord[] = [BrokerHeartbeat];
