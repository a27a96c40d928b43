import {
  AllocateProducerIds,
  AlterConfigs,
  AlterQuotas,
  AlterReassignments,
  AlterUsers,
  CreateAcls,
  CreateHeldTopic,
  CreateOffsetsTopic,
  CreatePartitions,
  CreateTopics,
  CreateTransactionTopic,
  DeleteAcls,
  DeleteTopics,
  DescribeQuorum,
  ElectLeaders,
  ListReassignments,
  RegisterBroker,
  UnregisterBroker,
  UpdateFeatures,
} from "../rpc/messages/index.ts";
import type { Acl, AclFilter } from "../security/acl.ts";
import { createPartitions } from "./create-partitions.ts";
import {
  createHeldTopic,
  createOffsetsTopic,
  createTopics,
  createTransactionTopic,
} from "./create-topics.ts";
import { type AlterConfigsRequest, decideAlterConfigs } from "./decide-alter-configs.ts";
import {
  type AlteredQuotas,
  type AlterQuotasRequest,
  decideAlterQuotas,
} from "./decide-alter-quotas.ts";
import {
  type AlteredUser,
  type AlterUsersRequest,
  decideAlterUsers,
  keysOf,
} from "./decide-alter-users.ts";
import {
  type BrokerRegistration,
  decideProducerIds,
  decideRegisterBroker,
} from "./decide-broker.ts";
import { decideCreateAcls } from "./decide-create-acls.ts";
import { type DeletedAcls, decideDeleteAcls, findAcls } from "./decide-delete-acls.ts";
import { type DeletedTopic, decideDeleteTopics, type TopicRef } from "./decide-delete-topics.ts";
import { decideElectLeaders, type ElectLeadersRequest } from "./decide-elect-leaders.ts";
import { type AlterReassignmentsRequest, decideReassign } from "./decide-reassign.ts";
import { decideUnregisterBroker } from "./decide-unregister-broker.ts";
import { decideUpdateFeatures, type UpdateFeaturesRequest } from "./decide-update-features.ts";
import type { LocalController } from "./local-controller.ts";
import { operation, type Surface } from "./operation.ts";
import { DONE, type Outcome, type TopicOutcomes } from "./outcome.ts";
import { NO_QUORUM, type Quorum } from "./quorum.ts";
import { type ListedTopic, listReassignments, type TopicReassignments } from "./reassignment.ts";

/** What most operations need of the controller. */
export type Deciding = Pick<LocalController, "decide">;

/** A request without fields. */
export type Nothing = Readonly<Record<never, never>>;

/**
 * All operations of the controller. A new operation needs one row here, and the message of its name
 * in rpc/messages: every broker then calls it as `metadata.controller.NAME(request)`, wherever the
 * controller is.
 *
 * A response with an `errorCode` of its own has no results for single topics: the controller was
 * not reached, or could not store its decision.
 */
export const operations = {
  /** To be called once per start, before serving. */
  registerBroker: operation({
    api: RegisterBroker,
    decide: (controller: Deciding, registration: BrokerRegistration) =>
      controller.decide((image) => decideRegisterBroker(image, registration)),
  }),

  /** The first id of a block that `nodeId` alone may give out. */
  allocateProducerIds: operation({
    api: AllocateProducerIds,
    async decide(controller: Deciding, { nodeId }: { readonly nodeId: number }) {
      const first = await controller.decide((image) => decideProducerIds(image, nodeId));
      return { firstProducerId: first };
    },
  }),

  createTopics: operation({
    api: CreateTopics,
    decide: createTopics,
    refuse: (outcome, { topics }) => {
      return { topics: topics.map(({ name }) => ({ name, topic: null, ...outcome })) };
    },
  }),

  createOffsetsTopic: operation({
    api: CreateOffsetsTopic,
    decide: (controller: LocalController, _: Nothing) => createOffsetsTopic(controller),
    refuse: (outcome) => outcome,
  }),

  createTransactionTopic: operation({
    api: CreateTransactionTopic,
    decide: (controller: LocalController, _: Nothing) => createTransactionTopic(controller),
    refuse: (outcome) => outcome,
  }),

  createHeldTopic: operation({
    api: CreateHeldTopic,
    decide: createHeldTopic,
    refuse: (outcome) => outcome,
  }),

  /** One result per topic named; all that can be deleted are, in one append. */
  deleteTopics: operation({
    api: DeleteTopics,
    async decide(
      controller: Deciding,
      { topics }: { readonly topics: readonly TopicRef[] },
    ): Promise<{ readonly topics: readonly DeletedTopic[] }> {
      return { topics: await controller.decide((image) => decideDeleteTopics(image, topics)) };
    },
    refuse: (outcome, { topics }) => ({ topics: topics.map((ref) => ({ ...ref, ...outcome })) }),
  }),

  createPartitions: operation({
    api: CreatePartitions,
    decide: createPartitions,
    refuse: (outcome, { topics }) => {
      return { topics: topics.map(({ name }) => ({ name, ...outcome })) };
    },
  }),

  /** One result per resource, in the order of the request. */
  alterConfigs: operation({
    api: AlterConfigs,
    async decide(
      controller: Pick<LocalController, "decide" | "configs">,
      { resources, ...context }: AlterConfigsRequest,
    ): Promise<{ readonly resources: readonly Outcome[] }> {
      const altered = await controller.decide((image) => {
        const layers = controller.configs.layers(image);
        return decideAlterConfigs(image, resources, { ...context, layers });
      });
      return { resources: altered };
    },
    refuse: (outcome, { resources }) => ({ resources: resources.map(() => outcome) }),
  }),

  electLeaders: operation({
    api: ElectLeaders,
    decide: (controller: Deciding, { type, partitions }: ElectLeadersRequest) =>
      controller.decide((image) => decideElectLeaders(image, type, partitions)),
    refuse: (outcome) => ({ ...outcome, topics: [] }),
    timeoutMs: ({ timeoutMs }) => timeoutMs,
  }),

  /** Begins and cancels; the data moves in the background. */
  alterReassignments: operation({
    api: AlterReassignments,
    async decide(
      controller: Deciding,
      { topics, ...options }: AlterReassignmentsRequest,
    ): Promise<Outcome & { readonly topics: readonly TopicOutcomes[] }> {
      const outcomes = await controller.decide((image) => decideReassign(image, topics, options));
      return { ...DONE, topics: outcomes };
    },
    refuse: (outcome) => ({ ...outcome, topics: [] }),
    timeoutMs: ({ timeoutMs }) => timeoutMs,
  }),

  /** Null asks for all that are under way. */
  listReassignments: operation({
    api: ListReassignments,
    async decide(
      controller: Deciding,
      { topics }: { readonly topics: readonly ListedTopic[] | null },
    ): Promise<Outcome & { readonly topics: readonly TopicReassignments[] }> {
      const ongoing = await controller.decide((image) => {
        return { records: [], response: listReassignments(image, topics) };
      });
      return { ...DONE, topics: ongoing };
    },
    refuse: (outcome) => ({ ...outcome, topics: [] }),
  }),

  /** Forgets a broker for good. */
  unregisterBroker: operation({
    api: UnregisterBroker,
    decide: (controller: Deciding, { brokerId }: { readonly brokerId: number }) =>
      controller.decide((image) => decideUnregisterBroker(image, brokerId)),
    refuse: (outcome) => outcome,
  }),

  /** Changes the finalized levels of features: all that are named, or none. */
  updateFeatures: operation({
    api: UpdateFeatures,
    decide: (controller: Deciding, request: UpdateFeaturesRequest) =>
      controller.decide((image) => decideUpdateFeatures(image, request)),
    refuse: (outcome) => outcome,
    timeoutMs: ({ timeoutMs }) => timeoutMs,
  }),

  /** One result for each ACL, in their order. */
  createAcls: operation({
    api: CreateAcls,
    async decide(
      controller: Pick<LocalController, "decide" | "random">,
      { acls }: { readonly acls: readonly Acl[] },
    ): Promise<{ readonly results: readonly Outcome[] }> {
      const results = await controller.decide((image) => {
        return decideCreateAcls(image, acls, controller.random);
      });
      return { results };
    },
    refuse: (outcome, { acls }) => ({ results: acls.map(() => outcome) }),
  }),

  /** One result for each filter, in their order. */
  deleteAcls: operation({
    api: DeleteAcls,
    async decide(
      controller: Pick<LocalController, "decide" | "image" | "nextTurn">,
      { filters }: { readonly filters: readonly AclFilter[] },
    ): Promise<{ readonly results: readonly DeletedAcls[] }> {
      const found = await findAcls(controller.image, filters, controller.nextTurn);
      const results = await controller.decide((image) => decideDeleteAcls(image, filters, found));
      return { results };
    },
    refuse: (outcome, { filters }) => ({ results: filters.map(() => ({ ...outcome, acls: [] })) }),
  }),

  /** One result for each user. */
  alterUsers: operation({
    api: AlterUsers,
    async decide(
      controller: Pick<LocalController, "decide" | "nextTurn" | "random">,
      request: AlterUsersRequest,
    ): Promise<{ readonly results: readonly AlteredUser[] }> {
      const keys = await keysOf(request.upsertions, controller.nextTurn);
      const results = await controller.decide((image) => {
        return decideAlterUsers(image, request, keys, controller.random);
      });
      return { results };
    },
    refuse: (outcome, { deletions, upsertions }) => {
      const names = new Set([...deletions, ...upsertions].map(({ name }) => name));
      return { results: [...names].map((user) => ({ user, ...outcome })) };
    },
  }),

  /** One result for each entity. */
  alterQuotas: operation({
    api: AlterQuotas,
    async decide(
      controller: Deciding,
      request: AlterQuotasRequest,
    ): Promise<{ readonly results: readonly AlteredQuotas[] }> {
      return { results: await controller.decide((image) => decideAlterQuotas(image, request)) };
    },
    refuse: (outcome, { entries }) => {
      return { results: entries.map(({ entity }) => ({ entity, ...outcome })) };
    },
  }),

  describeQuorum: operation({
    api: DescribeQuorum,
    decide: async (controller: Pick<LocalController, "quorum">, _: Nothing): Promise<Quorum> =>
      controller.quorum(),
    refuse: () => NO_QUORUM,
  }),
};

/** Whoever changes the metadata: this broker if it is alone, else the cluster's controller. */
export type Controller = Surface<typeof operations>;
