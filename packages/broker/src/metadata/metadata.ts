import { ErrorCode } from "@tarpan/protocol";
import { ConfigResolver } from "../config/kafka/resolve.ts";
import type { BrokerConfig, TopicConfig } from "../config/kafka/typed.ts";
import type { Env } from "../env.ts";
import type { Log, LogId } from "../log/log.ts";
import type { ReplayProgress } from "../state-machine/replay.ts";
import { Replayed, type StateMachineError } from "../state-machine/replayed.ts";
import { decideAlterConfigs, type ResourceChange } from "./decide-alter-configs.ts";
import { decideProducerIds, decideRegisterBroker } from "./decide-broker.ts";
import {
  type PartitionsPlan,
  type PartitionsSpec,
  partitionsRecords,
  planHolds,
  planPartitions,
} from "./decide-create-partitions.ts";
import {
  nameTaken,
  planTopic,
  type TopicPlan,
  type TopicSpec,
  tooManyPartitions,
  topicRecords,
} from "./decide-create-topics.ts";
import { type DeletedTopic, decideDeleteTopics, type TopicRef } from "./decide-delete-topics.ts";
import type { MetadataImage, PartitionImage } from "./image.ts";
import { metadataMachine } from "./machine.ts";
import { NameLocks } from "./name-locks.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import type { PartitionHost } from "./partition-host.ts";
import { isRefusal } from "./placement.ts";
import { ProducerIds } from "./producer-ids.ts";
import { recordWithLogs, storageRefusal } from "./record-with-logs.ts";
import type { MetadataRecord } from "./records.ts";
import { newTopicId, randomNumber, randomUuid } from "./topic-ids.ts";
import { CONSUMER_OFFSETS_TOPIC } from "./topic-names.ts";

export interface MetadataOptions {
  /** The log of `__cluster_metadata`, open. It stays its owner's. */
  readonly log: Log;
  readonly host: PartitionHost;
  readonly env: Pick<Env, "clock" | "random">;
  readonly nodeId: number;
  readonly clusterId: string;
  /** Kafka broker configs given at start, validated (`BrokerSettings.kafkaConfigs`). */
  readonly kafkaConfigs: Readonly<Record<string, string>>;
  readonly leaderEpoch?: number;
  /** Told about a replay as it goes, for logs that take long. */
  readonly onProgress?: (progress: ReplayProgress) => void;
}

export type CreatedTopic = Outcome & {
  readonly name: string;
  /** Present when the topic was created, or would have been with `validateOnly`. */
  readonly plan: TopicPlan | null;
};

export type GrownTopic = Outcome & { readonly name: string };

/**
 * The cluster's metadata and its controller. Readers take `image`, which is committed and never
 * changes under them; every method that changes something resolves after the change is durable
 * and `onChange` listeners have seen it.
 *
 * 1. A topic's logs exist before its records are appended, so no partition lacks its log.
 * 2. Logs are discarded only when it is certain that no record names them: after an append whose
 *    outcome is unknown they stay, and the host's start sorts it out.
 * 3. What could not be stored is answered with KAFKA_STORAGE_ERROR, never with success.
 */
export class Metadata {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly configs: ConfigResolver;
  readonly #host: PartitionHost;
  readonly #env: Pick<Env, "clock" | "random">;
  readonly #replayed: Replayed<MetadataImage, MetadataRecord>;
  readonly #locks = new NameLocks();
  readonly #producerIds: ProducerIds;

  private constructor(options: MetadataOptions, replayed: Replayed<MetadataImage, MetadataRecord>) {
    this.clusterId = options.clusterId;
    this.nodeId = options.nodeId;
    this.configs = new ConfigResolver(options.nodeId, options.kafkaConfigs);
    this.#host = options.host;
    this.#env = options.env;
    this.#replayed = replayed;
    this.#producerIds = new ProducerIds(() =>
      replayed.decide((image) => decideProducerIds(image, options.nodeId)),
    );
  }

  /** Replays the log. Rejects with the log's error, or with the record that can't be read. */
  static async open(options: MetadataOptions): Promise<Metadata> {
    const { log, leaderEpoch = 0, env, onProgress } = options;
    const replayed = await Replayed.load(metadataMachine, {
      log,
      leaderEpoch,
      wallMs: () => env.clock.wallMs(),
      ...(onProgress && { onProgress }),
    });
    return new Metadata(options, replayed);
  }

  /** The committed image. Keep it for as long as one answer is made, not longer. */
  get image(): MetadataImage {
    return this.#replayed.state;
  }

  /** Set once the metadata went offline: nothing can be changed until the broker restarts. */
  get failure(): StateMachineError | null {
    return this.#replayed.failure;
  }

  /** Called after each change, before whoever asked for it is answered. Returns its end. */
  onChange(listener: (previous: MetadataImage, next: MetadataImage) => void): () => void {
    return this.#replayed.onCommit(listener);
  }

  /** A topic's configs in force. Cheap enough for every request. */
  topicConfig(topic: string): TopicConfig {
    return this.configs.topic(this.image, topic);
  }

  /** This broker's configs in force. */
  brokerConfig(): BrokerConfig {
    return this.configs.broker(this.image);
  }

  /** Resolves when nothing is in flight any more. */
  settled(): Promise<void> {
    return this.#replayed.settled();
  }

  /** To be called once per start, before serving. `unclean`: see BrokerRegistration. */
  registerBroker(at: {
    readonly host: string;
    readonly port: number;
    readonly rack?: string | null;
    readonly unclean: boolean;
  }): Promise<void> {
    const incarnationId = randomUuid(this.#env.random);
    const registration = { rack: null, ...at, id: this.nodeId, incarnationId };
    return this.#replayed.decide((image) => decideRegisterBroker(image, registration));
  }

  /** A producer id nobody was given before. Rejects with StateMachineError. */
  nextProducerId(): Promise<number> {
    return this.#producerIds.next();
  }

  /** One result per name; a name that comes more than once is refused (as Kafka does). */
  async createTopics(
    specs: readonly TopicSpec[],
    { validateOnly = false, internal = false } = {},
  ): Promise<CreatedTopic[]> {
    const byName = new Map(specs.map((spec) => [spec.name, spec]));
    const names = [...byName.keys()];
    const tooMany = tooManyPartitions(specs, this.brokerConfig());
    if (tooMany !== null) return names.map((name) => ({ name, plan: null, ...tooMany }));
    const twice = new Set(
      specs.filter((spec) => byName.get(spec.name) !== spec).map((s) => s.name),
    );
    return this.#locks.hold(names, async () => {
      const alongside: string[] = [];
      const context = { ...this.#planContext(alongside), internal };
      const planned = names.map((name): CreatedTopic => {
        if (twice.has(name)) return { name, plan: null, ...TOPIC_TWICE };
        const plan = planTopic(this.image, byName.get(name)!, context);
        if (isRefusal(plan)) return { name, plan: null, ...plan };
        alongside.push(name);
        return { name, plan, ...DONE };
      });
      return validateOnly ? planned : this.#createPlanned(planned);
    });
  }

  /** Makes `__consumer_offsets` as the broker's configs want it. Returns its error code, or 0. */
  async createOffsetsTopic(): Promise<number> {
    const config = this.brokerConfig();
    const brokers = [...this.image.brokers.values()].filter(({ fenced }) => !fenced).length;
    const spec = {
      name: CONSUMER_OFFSETS_TOPIC,
      numPartitions: config.offsetsTopicNumPartitions,
      replicationFactor: Math.min(config.offsetsTopicReplicationFactor, brokers),
      assignments: [],
      configs: [
        { name: "cleanup.policy", value: "compact" },
        { name: "compression.type", value: "producer" },
        { name: "segment.bytes", value: String(config.offsetsTopicSegmentBytes) },
      ],
    };
    const [created] = await this.createTopics([spec], { internal: true });
    return created!.errorCode;
  }

  /** One result per topic named; all that can be deleted are, in one append. */
  async deleteTopics(refs: readonly TopicRef[]): Promise<DeletedTopic[]> {
    try {
      return await this.#replayed.decide((image) => decideDeleteTopics(image, refs));
    } catch (error) {
      const failed = storageRefusal(error);
      return refs.map((ref) => ({ ...ref, ...failed }));
    }
  }

  /** One result per name, in the order of the request. */
  async createPartitions(
    specs: readonly PartitionsSpec[],
    { validateOnly = false } = {},
  ): Promise<GrownTopic[]> {
    const names = specs.map((spec) => spec.name);
    return this.#locks.hold(names, async () => {
      const results = specs.map((spec) => {
        const { name } = spec;
        const twice = names.indexOf(name) !== names.lastIndexOf(name);
        const plan = twice ? TOPIC_TWICE : planPartitions(this.image, spec);
        return isRefusal(plan) ? { name, plan: null, ...plan } : { name, plan, ...DONE };
      });
      return validateOnly ? results : this.#growPlanned(results);
    });
  }

  /** One result per resource, in the order of the request. */
  async alterConfigs(
    resources: readonly ResourceChange[],
    { validateOnly = false } = {},
  ): Promise<Outcome[]> {
    const context = { nodeId: this.nodeId, validateOnly };
    try {
      return await this.#replayed.decide((image) => decideAlterConfigs(image, resources, context));
    } catch (error) {
      const failed = storageRefusal(error);
      return resources.map(() => failed);
    }
  }

  #planContext(alongside: readonly string[]) {
    const { random } = this.#env;
    return {
      alongside,
      broker: this.brokerConfig(),
      newTopicId: () => newTopicId(random),
      firstBroker: () => randomNumber(random),
    };
  }

  async #createPlanned(planned: readonly CreatedTopic[]): Promise<CreatedTopic[]> {
    const plans = planned.flatMap(({ plan }) => plan ?? []);
    const logs = (plan: TopicPlan) => this.#logsOf(plan.name, plan.id, 0, plan.partitions);
    // A name can't have been taken meanwhile (it is locked), but one that collides with it can.
    const lost = await recordWithLogs(
      this.#replayed,
      this.#host,
      plans,
      logs,
      (image, plan) => nameTaken(image, plan.name) ?? topicRecords(plan),
    );
    return planned.map((result) => {
      const refusal = result.plan === null ? undefined : lost.get(result.plan);
      return refusal === undefined ? result : { name: result.name, plan: null, ...refusal };
    });
  }

  async #growPlanned(
    planned: readonly (GrownTopic & { readonly plan: PartitionsPlan | null })[],
  ): Promise<GrownTopic[]> {
    const plans = planned.flatMap(({ plan }) => plan ?? []);
    const logs = (p: PartitionsPlan) => this.#logsOf(p.name, p.topicId, p.from, p.partitions);
    const lost = await recordWithLogs(this.#replayed, this.#host, plans, logs, (image, plan) =>
      planHolds(image, plan)
        ? partitionsRecords(plan)
        : refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic '${plan.name}' was deleted`),
    );
    return planned.map(({ plan, ...result }) => {
      const refusal = plan === null ? undefined : lost.get(plan);
      return refusal === undefined ? result : { name: result.name, ...refusal };
    });
  }

  /** The logs of new partitions that this broker shall hold. */
  #logsOf(
    topic: string,
    topicId: string,
    from: number,
    partitions: readonly PartitionImage[],
  ): LogId[] {
    return partitions.flatMap(({ replicas }, index) =>
      replicas.includes(this.nodeId) ? { topic, topicId, partition: from + index } : [],
    );
  }
}

const TOPIC_TWICE = refused(ErrorCode.INVALID_REQUEST, "the topic is named more than once");
