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

/** What a cluster does otherwise than a broker alone, and what only a cluster can be asked. */
export const ownOperations = {
  registerBroker: operation({
    ...operations.registerBroker,
    async decide({ local, duties }: ActiveContext, registration: BrokerRegistration) {
      const { raftLeaderOf } = duties;
      const outcome = await local.decide((image) => {
        return decideRegisterBroker(image, registration, { clustered: true, raftLeaderOf });
      });
      if (outcome.errorCode !== ErrorCode.NONE) duties.noteRemovedBroker(registration.id);
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

  describeQuorum: operation({
    ...operations.describeQuorum,
    decide: async (controller: ActiveContext, _: Nothing) => controller.quorum(),
  }),

  /**
   * A broker stops in order: others lead its partitions from now on. Resolves when they do, and
   * their Raft leaders have been asked away from its server.
   */
  leaveCluster: operation({
    api: LeaveCluster,
    async decide({ duties }: ActiveContext, { brokerId, incarnationId }: LeaveRequest) {
      await duties.handOver(brokerId, incarnationId);
      return NOTHING;
    },
    // Whoever is the controller notices the silence.
    refuse: () => NOTHING,
    timeoutMs: () => LEAVE_TIMEOUT_MS,
  }),

  /**
   * One step on the way of a broker out of the cluster for good: its replicas are told to move.
   * When none is left it is forgotten, and so is its server. To be repeated until `done`.
   */
  removeBroker: operation({
    api: RemoveBroker,
    decide: (
      { local, removeServer }: ActiveContext,
      { brokerId }: { readonly brokerId: number },
    ): Promise<Removal> => removeBroker(brokerId, local, removeServer),
    refuse: (outcome) => ({ ...outcome, partitionsLeft: -1, done: false }),
  }),

  /** The answer stands beside each response: how far the metadata's log reaches. */
  metadataEnd: operation({
    api: MetadataEnd,
    decide: async (_: ActiveContext, nothing: Nothing) => nothing,
  }),
};

/** All that the brokers of a cluster ask of their controller. */
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
