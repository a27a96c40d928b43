import type { ResourceChange } from "./decide-alter-configs.ts";
import type { BrokerRegistration } from "./decide-broker.ts";
import type { PartitionsSpec } from "./decide-create-partitions.ts";
import type { TopicPlan, TopicSpec } from "./decide-create-topics.ts";
import type { DeletedTopic, TopicRef } from "./decide-delete-topics.ts";
import type { Outcome } from "./outcome.ts";

export type CreatedTopic = Outcome & {
  readonly name: string;
  /** Present when the topic was created, or would have been with `validateOnly`. */
  readonly plan: TopicPlan | null;
};

export type GrownTopic = Outcome & { readonly name: string };

/**
 * Whoever changes the metadata: this broker when it is alone, the cluster's controller otherwise.
 * Arguments and results are plain values, for they may cross the network. Every method resolves
 * after its change is durable; what could not be stored is answered with KAFKA_STORAGE_ERROR or
 * REQUEST_TIMED_OUT, never with success.
 */
export interface Controller {
  /** To be called once per start, before serving. */
  registerBroker(registration: BrokerRegistration): Promise<Outcome>;
  /** The first id of a block that `nodeId` alone may give out. Rejects when it can't be stored. */
  allocateProducerIds(nodeId: number): Promise<number>;
  /** One result per name; a name that comes more than once is refused (as Kafka does). */
  createTopics(specs: readonly TopicSpec[], options: CreateOptions): Promise<CreatedTopic[]>;
  /** Makes `__consumer_offsets` as the broker configs want it. Its error code, or 0. */
  createOffsetsTopic(): Promise<number>;
  /** One result per topic named; all that can be deleted are, in one append. */
  deleteTopics(refs: readonly TopicRef[]): Promise<DeletedTopic[]>;
  /** One result per name, in the order of the request. */
  createPartitions(
    specs: readonly PartitionsSpec[],
    options: { readonly validateOnly: boolean },
  ): Promise<GrownTopic[]>;
  /**
   * One result per resource, in the order of the request. `nodeId` is the broker that was asked.
   */
  alterConfigs(
    resources: readonly ResourceChange[],
    options: { readonly validateOnly: boolean; readonly nodeId: number },
  ): Promise<Outcome[]>;
}

export interface CreateOptions {
  readonly validateOnly: boolean;
  /** A coordinator asks for its own topic. */
  readonly internal: boolean;
}

/** A call of the controller came to nothing, or to nobody knows what: `outcome` says which. */
export class ControllerUnavailable extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(outcome.errorMessage ?? `the controller answered with error ${outcome.errorCode}`);
    this.name = "ControllerUnavailable";
    this.outcome = outcome;
  }
}
