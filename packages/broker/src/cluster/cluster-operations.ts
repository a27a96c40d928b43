import { ErrorCode } from "@tarpan/protocol";
import type { CreateTopicsRequest } from "../metadata/create-topics.ts";
import { type BrokerRegistration, decideRegisterBroker } from "../metadata/decide-broker.ts";
import type { TopicSpec } from "../metadata/decide-create-topics.ts";
import type { LocalController } from "../metadata/local-controller.ts";
import { operation, type Surface } from "../metadata/operation.ts";
import { type Nothing, operations } from "../metadata/operations.ts";
import type { Quorum } from "../metadata/quorum.ts";
import { LeaveCluster, MetadataEnd, RemoveBroker } from "../rpc/messages/index.ts";
import type { ClusterEngine } from "./cluster-engine.ts";
import type { ControllerDuties } from "./controller-duties.ts";
import type { ExpectedBrokers } from "./expected-brokers.ts";
import { LEAVE_TIMEOUT_MS } from "./limits.ts";
import { type Removal, removeBroker } from "./remove-broker.ts";

/** The controller of a cluster, as its operations need it. */
export interface ActiveContext {
  readonly local: LocalController;
  readonly duties: ControllerDuties;
  readonly expectedBrokers: ExpectedBrokers;
  /** See ClusterEngine. */
  readonly removeServer: ClusterEngine["removeServer"];
  quorum(): Quorum;
}

/** The operations that differ from those of a standalone broker, or exist only in a cluster. */
export const ownOperations = {
  registerBroker: operation({
    ...operations.registerBroker,
    async decide({ local, duties }: ActiveContext, registration: BrokerRegistration) {
      const { raftLeaderOf } = duties;
      const outcome = await local.decide((image) => {
        return decideRegisterBroker(image, registration, { clustered: true, raftLeaderOf });
      });
      const { errorCode, errorMessage } = outcome;
      if (errorCode === ErrorCode.BROKER_ID_NOT_REGISTERED) duties.noteRemoved(registration.id);
      else if (errorCode !== ErrorCode.NONE) duties.noteRefused(registration.id, errorMessage!);
      return outcome;
    },
  }),

  createTopics: operation({
    ...operations.createTopics,
    async decide({ local, expectedBrokers }: ActiveContext, request: CreateTopicsRequest) {
      const needed = request.topics.map((spec) => replicasOf(spec, local));
      await expectedBrokers.waitFor(Math.max(0, ...needed));
      return operations.createTopics.decide(local, request);
    },
  }),

  createOffsetsTopic: operation({
    ...operations.createOffsetsTopic,
    async decide({ local, expectedBrokers }: ActiveContext, request: Nothing) {
      await expectedBrokers.waitFor(local.brokerConfig().offsetsTopicReplicationFactor);
      return operations.createOffsetsTopic.decide(local, request);
    },
  }),

  createTransactionTopic: operation({
    ...operations.createTransactionTopic,
    async decide({ local, expectedBrokers }: ActiveContext, request: Nothing) {
      await expectedBrokers.waitFor(local.brokerConfig().transactionStateLogReplicationFactor);
      return operations.createTransactionTopic.decide(local, request);
    },
  }),

  createHeldTopic: operation({
    ...operations.createHeldTopic,
    async decide({ local, expectedBrokers }: ActiveContext, request: { readonly name: string }) {
      await expectedBrokers.waitFor(local.brokerConfig().offsetsTopicReplicationFactor);
      return operations.createHeldTopic.decide(local, request);
    },
  }),

  describeQuorum: operation({
    ...operations.describeQuorum,
    decide: async (controller: ActiveContext, _: Nothing) => controller.quorum(),
  }),

  /**
   * Called by a broker that stops: moves its partitions to other leaders. Resolves when these lead
   * them, and the Raft leaders on its server were told to move.
   */
  leaveCluster: operation({
    api: LeaveCluster,
    async decide({ duties }: ActiveContext, { brokerId, incarnationId }: LeaveRequest) {
      await duties.handOver(brokerId, incarnationId);
      return NOTHING;
    },
    // If this call fails, the controller fences the broker when its heartbeats stop.
    refuse: () => NOTHING,
    timeoutMs: () => LEAVE_TIMEOUT_MS,
  }),

  /**
   * One step of removing a broker for good: see removeBroker. To be repeated until `done`.
   */
  removeBroker: operation({
    api: RemoveBroker,
    decide: (
      { local, removeServer }: ActiveContext,
      { brokerId }: { readonly brokerId: number },
    ): Promise<Removal> => removeBroker(brokerId, local, removeServer),
    refuse: (outcome) => ({ ...outcome, partitionsLeft: -1, done: false }),
  }),

  /** For the end offset of the metadata log, which is sent with the response of every operation. */
  metadataEnd: operation({
    api: MetadataEnd,
    decide: async (_: ActiveContext, nothing: Nothing) => nothing,
  }),
};

/** All operations of a cluster's controller. */
export const clusterOperations = { ...operations, ...ownOperations };

export type ClusterController = Surface<typeof clusterOperations>;

const NOTHING: Nothing = {};

interface LeaveRequest {
  readonly brokerId: number;
  readonly incarnationId: string;
}

/** How many brokers a topic needs. */
function replicasOf({ replicationFactor, assignments }: TopicSpec, local: LocalController): number {
  if (assignments.length > 0) return new Set(assignments.flatMap((one) => one.brokerIds)).size;
  if (replicationFactor !== -1) return replicationFactor;
  return local.brokerConfig().defaultReplicationFactor;
}
