import { ConfigResolver } from "../config/kafka/resolve.ts";
import type { BrokerConfig, TopicConfig } from "../config/kafka/typed.ts";
import type { Env } from "../env/env.ts";
import { LogError } from "../log/log-error.ts";
import type { StateMachineError } from "../state-machine/replayed-state.ts";
import type { PendingLatch } from "../util/latch.ts";
import { deltaBetween, type MetadataDelta } from "./delta.ts";
import { GROUP_VERSION, SUPPORTED_FEATURES, TRANSACTION_VERSION } from "./features.ts";
import type { EndPoint, MetadataImage } from "./image.ts";
import { Leadership } from "./leadership.ts";
import { type ControllerOptions, LocalController } from "./local-controller.ts";
import { localForm } from "./operation.ts";
import { type Controller, operations } from "./operations.ts";
import type { Outcome } from "./outcome.ts";
import { ProducerIds } from "./producer-ids.ts";
import { randomUuid } from "./topic-ids.ts";

export interface MetadataOptions {
  readonly nodeId: number;
  readonly clusterId: string;
  /** Kafka broker configs given at start, validated (`BrokerSettings.kafkaConfigs`). */
  readonly kafkaConfigs: Readonly<Record<string, string>>;
  readonly env: Pick<Env, "random">;
  readonly image: MetadataImage;
  readonly controller: Controller;
  /** Kafka's id of the controller's broker, -1 while there is none. */
  readonly controllerId: () => number;
  /** The committed end of the log of `__cluster_metadata`, as far as this broker knows it. */
  readonly endOffset: () => number;
  /** Begins to read all that the controller has decided by now; null where that is known here. */
  readonly unseen?: () => PendingLatch | null;
  /** Whether the cluster goes on without this broker, which then must not serve what it led. */
  readonly isolated: () => boolean;
  /** Why nothing can be changed at the moment, null while it can. */
  readonly failure: () => StateMachineError | null;
}

/** Of a broker that is its own controller. */
export type OwnMetadataOptions = ControllerOptions & { readonly clusterId: string };

type Listener = (delta: MetadataDelta, image: MetadataImage) => void;

/**
 * The metadata as this broker knows it, and the way to its controller. Readers take `image`, which
 * is committed and never changes under them. What the controller is asked resolves after the change
 * is durable and `onChange` listeners have seen it.
 */
export class Metadata {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly configs: ConfigResolver;
  /** Different each time the broker starts. */
  readonly incarnationId: string;
  readonly controller: Controller;
  readonly leadership: Leadership;
  readonly #options: MetadataOptions;
  readonly #producerIds: ProducerIds;
  readonly #listeners = new Set<Listener>();
  #image: MetadataImage;
  #imageOffset: number;
  #settled = () => Promise.resolve();

  constructor(options: MetadataOptions) {
    const { nodeId, clusterId, kafkaConfigs, env, image, controller } = options;
    this.#options = options;
    this.clusterId = clusterId;
    this.nodeId = nodeId;
    this.configs = new ConfigResolver(nodeId, kafkaConfigs);
    this.incarnationId = randomUuid(env.random);
    this.controller = controller;
    this.#image = image;
    this.#imageOffset = options.endOffset();
    this.leadership = new Leadership(nodeId, () => this.#image, options.isolated);
    this.#producerIds = new ProducerIds(async () => {
      const { firstProducerId } = await controller.allocateProducerIds({ nodeId });
      return firstProducerId;
    });
  }

  /** The metadata of a broker that is its own controller. See LocalController.open. */
  static async open(options: OwnMetadataOptions): Promise<Metadata> {
    const own = await LocalController.open(options).catch((error: unknown) => {
      throw withAdvice(error);
    });
    const metadata = new Metadata({
      ...options,
      image: own.image,
      controller: localForm(operations, own),
      controllerId: () => options.nodeId,
      endOffset: () => options.log.endOffset,
      isolated: () => false,
      failure: () => own.failure,
    });
    metadata.#settled = () => own.settled();
    own.onCommit((_, next) => metadata.advance(next));
    return metadata;
  }

  /** The committed image. Keep it for as long as one answer is made, not longer. */
  get image(): MetadataImage {
    return this.#image;
  }

  /**
   * Where the log of the metadata ended when `image` was first shown: a later image has a larger
   * one, on every broker.
   */
  get imageOffset(): number {
    return this.#imageOffset;
  }

  get controllerId(): number {
    return this.#options.controllerId();
  }

  get endOffset(): number {
    return this.#options.endOffset();
  }

  /** See MetadataOptions; null, too, where this broker can't know. */
  unseen(): PendingLatch | null {
    return this.leadership.isExpired ? null : (this.#options.unseen?.() ?? null);
  }

  get failure(): StateMachineError | null {
    return this.#options.failure();
  }

  /** Resolves when nothing that this broker decides is in flight any more. */
  settled(): Promise<void> {
    return this.#settled();
  }

  /**
   * Calls `listener` after each change, before the caller of the change gets its answer, with the
   * delta and the new image. Returns a function that ends the subscription.
   */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Shows the next committed image; called by the reader of the log. */
  advance(next: MetadataImage): void {
    const previous = this.#image;
    if (next === previous) return;
    this.#image = next;
    this.#imageOffset = this.#options.endOffset();
    const delta = deltaBetween(previous, next);
    for (const listener of this.#listeners) listener(delta, next);
  }

  /** A topic's configs in force. Cheap enough for every request. */
  topicConfig(topic: string): TopicConfig {
    return this.configs.topic(this.image, topic);
  }

  /** This broker's configs in force. */
  brokerConfig(): BrokerConfig {
    return this.configs.broker(this.image);
  }

  /** To be called once per start, before serving. `unclean`: see BrokerRegistration. */
  registerBroker(at: {
    readonly host: string;
    readonly port: number;
    readonly endPoints?: readonly EndPoint[] | null;
    readonly rack?: string | null;
    readonly unclean: boolean;
  }): Promise<Outcome> {
    const { nodeId: id, incarnationId } = this;
    return this.controller.registerBroker({
      rack: null,
      endPoints: null,
      returning: false,
      features: SUPPORTED_FEATURES,
      ...at,
      id,
      incarnationId,
    });
  }

  /** The finalized level of `transaction.version`. */
  get transactionVersion(): number {
    return this.#image.features.get(TRANSACTION_VERSION) ?? 0;
  }

  /** The finalized level of `group.version`. */
  get groupVersion(): number {
    return this.#image.features.get(GROUP_VERSION) ?? 0;
  }

  /** A producer id that was never given out. Rejects when no block of ids could be stored. */
  nextProducerId(): Promise<number> {
    return this.#producerIds.next();
  }
}

/** Without its metadata a broker knows no topic, so it must not start. */
function withAdvice(error: unknown): unknown {
  if (!(error instanceof LogError)) return error;
  const message =
    `${error.message}. That log holds the topics and configs, and a broker can't start without ` +
    "it: restore the data directory from a backup, or use an empty one";
  return new LogError(error.kind, message, { cause: error });
}
