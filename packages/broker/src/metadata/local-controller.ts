import { ErrorCode } from "@tarpan/protocol";
import { ConfigResolver } from "../config/kafka/resolve.ts";
import type { BrokerConfig } from "../config/kafka/typed.ts";
import type { Env } from "../env/env.ts";
import type { Log } from "../log/log.ts";
import type { ReplayProgress } from "../state-machine/replay.ts";
import { type Decision, Replayed, type StateMachineError } from "../state-machine/replayed.ts";
import type { Controller, CreatedTopic, CreateOptions, GrownTopic } from "./controller.ts";
import { decideAlterConfigs, type ResourceChange } from "./decide-alter-configs.ts";
import {
  type BrokerRegistration,
  decideProducerIds,
  decideRegisterBroker,
} from "./decide-broker.ts";
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
import type { NewLog, PartitionHost } from "./partition-host.ts";
import { isRefusal } from "./placement.ts";
import { recordWithLogs, storageRefusal } from "./record-with-logs.ts";
import type { MetadataRecord } from "./records.ts";
import { newTopicId, randomNumber } from "./topic-ids.ts";
import { CONSUMER_OFFSETS_TOPIC } from "./topic-names.ts";

export interface ControllerOptions {
  /** The log of `__cluster_metadata`, open. It stays its owner's. */
  readonly log: Log;
  readonly host: PartitionHost;
  readonly env: Pick<Env, "clock" | "random">;
  readonly nodeId: number;
  /** Kafka broker configs given at start, validated (`BrokerSettings.kafkaConfigs`). */
  readonly kafkaConfigs: Readonly<Record<string, string>>;
  readonly leaderEpoch?: number;
  /** Told about a replay as it goes, for logs that take long. */
  readonly onProgress?: (progress: ReplayProgress) => void;
}

/**
 * The controller, where its log is: decides over the replayed metadata.
 *
 * 1. A topic's logs exist before its records are appended, so no partition lacks its log.
 * 2. Logs are discarded only when it is certain that no record names them: after an append whose
 *    outcome is unknown they stay, and the host's start sorts it out.
 */
export class LocalController implements Controller {
  readonly #options: ControllerOptions;
  readonly #configs: ConfigResolver;
  readonly #replayed: Replayed<MetadataImage, MetadataRecord>;
  readonly #locks = new NameLocks();

  private constructor(
    options: ControllerOptions,
    replayed: Replayed<MetadataImage, MetadataRecord>,
  ) {
    this.#options = options;
    this.#configs = new ConfigResolver(options.nodeId, options.kafkaConfigs);
    this.#replayed = replayed;
  }

  /** Replays the log. Rejects with the log's error, or with the record that can't be read. */
  static async open(options: ControllerOptions): Promise<LocalController> {
    const { log, leaderEpoch = 0, env, onProgress } = options;
    const replayed = await Replayed.load(metadataMachine, {
      log,
      leaderEpoch,
      wallMs: () => env.clock.wallMs(),
      ...(onProgress && { onProgress }),
    });
    return new LocalController(options, replayed);
  }

  /** The committed image. */
  get image(): MetadataImage {
    return this.#replayed.state;
  }

  /** Set once nothing can be changed any more: the log has failed or is another's. */
  get failure(): StateMachineError | null {
    return this.#replayed.failure;
  }

  /** Called after each change, before whoever asked for it is answered. Returns its end. */
  onCommit(listener: (previous: MetadataImage, next: MetadataImage) => void): () => void {
    return this.#replayed.onCommit(listener);
  }

  /** Resolves when nothing is in flight any more. */
  settled(): Promise<void> {
    return this.#replayed.settled();
  }

  brokerConfig(): BrokerConfig {
    return this.#configs.broker(this.image);
  }

  /** Runs one more decision of the controller's. Rejects with StateMachineError. */
  decide<Reply>(decision: (image: MetadataImage) => Decision<MetadataRecord, Reply>) {
    return this.#replayed.decide(decision);
  }

  registerBroker(registration: BrokerRegistration): Promise<Outcome> {
    return this.decide((image) => decideRegisterBroker(image, registration));
  }

  allocateProducerIds(nodeId: number): Promise<number> {
    return this.decide((image) => decideProducerIds(image, nodeId));
  }

  async createTopics(
    specs: readonly TopicSpec[],
    { validateOnly, internal }: CreateOptions,
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

  async createOffsetsTopic(): Promise<number> {
    const config = this.brokerConfig();
    // A broker that is away for a moment must not make the offsets less safe for ever.
    const replicationFactor = Math.min(
      config.offsetsTopicReplicationFactor,
      this.image.brokers.size,
    );
    const spec = {
      name: CONSUMER_OFFSETS_TOPIC,
      numPartitions: config.offsetsTopicNumPartitions,
      replicationFactor,
      assignments: [],
      configs: [
        { name: "cleanup.policy", value: "compact" },
        { name: "compression.type", value: "producer" },
        { name: "segment.bytes", value: String(config.offsetsTopicSegmentBytes) },
      ],
    };
    const [created] = await this.createTopics([spec], { internal: true, validateOnly: false });
    return created!.errorCode;
  }

  async deleteTopics(refs: readonly TopicRef[]): Promise<DeletedTopic[]> {
    try {
      return await this.decide((image) => decideDeleteTopics(image, refs));
    } catch (error) {
      const failed = storageRefusal(error);
      return refs.map((ref) => ({ ...ref, ...failed }));
    }
  }

  async createPartitions(
    specs: readonly PartitionsSpec[],
    { validateOnly }: { readonly validateOnly: boolean },
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

  async alterConfigs(
    resources: readonly ResourceChange[],
    context: { readonly validateOnly: boolean; readonly nodeId: number },
  ) {
    try {
      return await this.decide((image) => {
        const layers = this.#configs.layers(image);
        return decideAlterConfigs(image, resources, { ...context, layers });
      });
    } catch (error) {
      const failed = storageRefusal(error);
      return resources.map(() => failed);
    }
  }

  #planContext(alongside: readonly string[]) {
    const { random } = this.#options.env;
    return {
      alongside,
      broker: this.brokerConfig(),
      newTopicId: () => newTopicId(random),
      firstBroker: () => randomNumber(random),
    };
  }

  async #createPlanned(planned: readonly CreatedTopic[]): Promise<CreatedTopic[]> {
    const plans = planned.flatMap(({ plan }) => plan ?? []);
    const logs = (plan: TopicPlan) => newLogs(plan.name, plan.id, 0, plan.partitions);
    // A name can't have been taken meanwhile (it is locked), but one that collides with it can.
    const lost = await recordWithLogs(
      this.#replayed,
      this.#options.host,
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
    const logs = (p: PartitionsPlan) => newLogs(p.name, p.topicId, p.from, p.partitions);
    const { host } = this.#options;
    const lost = await recordWithLogs(this.#replayed, host, plans, logs, (image, plan) =>
      planHolds(image, plan)
        ? partitionsRecords(plan)
        : refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic '${plan.name}' was deleted`),
    );
    return planned.map(({ plan, ...result }) => {
      const refusal = plan === null ? undefined : lost.get(plan);
      return refusal === undefined ? result : { name: result.name, ...refusal };
    });
  }
}

function newLogs(
  topic: string,
  topicId: string,
  from: number,
  partitions: readonly PartitionImage[],
): NewLog[] {
  return partitions.map(({ replicas }, index) => {
    return { id: { topic, topicId, partition: from + index }, replicas };
  });
}

const TOPIC_TWICE = refused(ErrorCode.INVALID_REQUEST, "the topic is named more than once");
