import { ErrorCode } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { LedLog, LogEngine, LogOptions } from "../log/log.ts";
import type { Logger } from "../logging/logger.ts";
import type { Quorum } from "../metadata/cluster-admin.ts";
import { type BrokerRegistration, decideRegisterBroker } from "../metadata/decide-broker.ts";
import type { TopicSpec } from "../metadata/decide-create-topics.ts";
import { decideReassign } from "../metadata/decide-reassign.ts";
import { decideUnregisterBroker } from "../metadata/decide-unregister-broker.ts";
import { DecidingAdmin } from "../metadata/deciding-admin.ts";
import { deltaBetween } from "../metadata/delta.ts";
import { type MetadataImage, partitionsOf } from "../metadata/image.ts";
import { LocalController } from "../metadata/local-controller.ts";
import { DONE, type Outcome, refused } from "../metadata/outcome.ts";
import { isRefusal } from "../metadata/placement.ts";
import { planDecommission } from "../metadata/plan-replicas.ts";
import type { ClusterController, Removal } from "./cluster-controller.ts";
import type { ClusterEngine } from "./cluster-engine.ts";
import { ClusterLogs } from "./cluster-logs.ts";
import { ControllerDuties } from "./controller-duties.ts";
import type { ServedController } from "./controller-server.ts";
import { deleteLogsOfTopics } from "./deleted-topics.ts";
import { Gathering } from "./gathering.ts";
import type { Membership } from "./membership.ts";
import { METADATA_LOG, METADATA_LOG_OPTIONS } from "./metadata-log.ts";

export interface ActiveControllerParts {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly logger: Logger;
  readonly engine: LogEngine;
  readonly membership: Membership;
  readonly nodeId: number;
  readonly kafkaConfigs: Readonly<Record<string, string>>;
  /** See Gathering. */
  readonly listed: number;
  /** Of logs that are made: what an engine asks for. */
  readonly newLogOptions: () => LogOptions;
  /** See ClusterEngine. */
  readonly removeServer: ClusterEngine["removeServer"];
}

/** The controller of the cluster, on the broker that leads the log of the metadata. */
export class ActiveController implements ServedController {
  readonly controller: ClusterController;
  readonly #parts: ActiveControllerParts;
  readonly #log: LedLog;
  readonly #local: LocalController;
  readonly #duties: ControllerDuties;
  readonly #gathering: Gathering;

  private constructor(parts: ActiveControllerParts, log: LedLog, local: LocalController) {
    this.#parts = parts;
    this.#log = log;
    this.#local = local;
    const replication = parts.engine.replication!;
    this.#duties = new ControllerDuties({ ...parts, replication, local });
    this.#gathering = new Gathering({ ...parts, local });
    this.controller = this.#serve();
  }

  /** Begins a leader epoch of the metadata's log, which ends whoever was the controller before. */
  static async open(parts: ActiveControllerParts): Promise<ActiveController> {
    const { engine, env, nodeId, kafkaConfigs, logger, membership } = parts;
    const log = await engine.replication!.lead(METADATA_LOG, {
      ...METADATA_LOG_OPTIONS,
      // The first of several candidates may have waited for the same election of the servers.
      isStillWanted: () => membership.controller === null,
    });
    try {
      const local: LocalController = await LocalController.open({
        log,
        host: new ClusterLogs(engine, parts.newLogOptions, () => local.image),
        env,
        nodeId,
        kafkaConfigs,
        leaderEpoch: log.leaderEpoch,
      });
      const active = new ActiveController(parts, log, local);
      local.onCommit((previous, next) => {
        membership.beat();
        void deleteLogsOfTopics(engine, logger, deltaBetween(previous, next));
      });
      active.#duties.start();
      return active;
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  get epoch(): number {
    return this.#log.leaderEpoch;
  }

  get endOffset(): number {
    return this.#log.endOffset;
  }

  /** Set once it can decide nothing any more: its log has failed, or is another's. */
  get failure(): Error | null {
    return this.#local.failure ?? this.#log.failure;
  }

  async close(): Promise<void> {
    this.#duties.stop();
    await this.#log.close();
  }

  #serve(): ClusterController {
    const local = this.#local;
    const admin = new DecidingAdmin(local.decide.bind(local), async () => this.#quorum());
    return {
      registerBroker: (registration) => this.#register(registration),
      allocateProducerIds: (nodeId) => local.allocateProducerIds(nodeId),
      createTopics: async (specs, options) => {
        await this.#gathering.expect(Math.max(0, ...specs.map((spec) => this.#replicasOf(spec))));
        return local.createTopics(specs, options);
      },
      createOffsetsTopic: async () => {
        await this.#gathering.expect(local.brokerConfig().offsetsTopicReplicationFactor);
        return local.createOffsetsTopic();
      },
      deleteTopics: (refs) => local.deleteTopics(refs),
      createPartitions: (specs, options) => local.createPartitions(specs, options),
      alterConfigs: (resources, options) => local.alterConfigs(resources, options),
      electLeaders: (type, partitions) => admin.electLeaders(type, partitions),
      alterReassignments: (topics, options) => admin.alterReassignments(topics, options),
      listReassignments: (topics) => admin.listReassignments(topics),
      unregisterBroker: (brokerId) => admin.unregisterBroker(brokerId),
      quorum: admin.quorum,
      leave: (brokerId, incarnationId) => this.#duties.relieve(brokerId, incarnationId),
      remove: (brokerId) => this.#remove(brokerId),
      end: async () => this.endOffset,
    };
  }

  /** How many brokers a topic needs. */
  #replicasOf({ replicationFactor, assignments }: TopicSpec): number {
    if (assignments.length > 0) return new Set(assignments.flatMap((one) => one.brokerIds)).size;
    if (replicationFactor !== -1) return replicationFactor;
    return this.#local.brokerConfig().defaultReplicationFactor;
  }

  async #register(registration: BrokerRegistration): Promise<Outcome> {
    const { raftLeaderOf } = this.#duties;
    const outcome = await this.#local.decide((image) => {
      return decideRegisterBroker(image, registration, { clustered: true, raftLeaderOf });
    });
    if (outcome.errorCode !== ErrorCode.NONE) this.#duties.turnAway(registration.id);
    return outcome;
  }

  #quorum(): Quorum {
    const { env, nodeId } = this.#parts;
    const now = env.clock.wallMs();
    const { endOffset } = this;
    const state = this.#duties.states.find(({ id }) => id.topicId === METADATA_LOG.topicId);
    const voters = (state?.replicas ?? []).map(({ brokerId, current, lag }) => {
      const seenMs = current ? now : -1;
      const logEndOffset = Math.max(0, endOffset - lag);
      return { id: brokerId, logEndOffset, lastFetchMs: seenMs, lastCaughtUpMs: seenMs };
    });
    const self = { id: nodeId, logEndOffset: endOffset, lastFetchMs: now, lastCaughtUpMs: now };
    const known = voters.some(({ id }) => id === nodeId) ? voters : [self, ...voters];
    const isVoter = new Set(known.map(({ id }) => id));
    const observers = [...this.#local.image.brokers.values()]
      .filter(({ id }) => !isVoter.has(id))
      .map(({ id }) => ({ id, logEndOffset: -1, lastFetchMs: -1, lastCaughtUpMs: -1 }));
    return {
      leaderId: nodeId,
      leaderEpoch: this.epoch,
      highWatermark: endOffset,
      voters: known,
      observers,
    };
  }

  async #remove(brokerId: number): Promise<Removal> {
    const { image } = this.#local;
    const broker = image.brokers.get(brokerId);
    if (broker === undefined) return this.#removeServer(brokerId);
    const left = partitionsOn(image, brokerId);
    if (left > 0) {
      const plan = planDecommission(image, brokerId);
      if (isRefusal(plan)) return notYet(left, plan);
      const options = { allowReplicationFactorChange: false };
      await this.#local.decide((now) => decideReassign(now, plan.topics, options));
      return notYet(left, DONE);
    }
    if (!broker.fenced) {
      const text = `broker ${brokerId} holds nothing any more: stop it now`;
      return notYet(0, refused(ErrorCode.NONE, text));
    }
    // Before the broker, whose registration tells that its removal is not over.
    const removal = await this.#removeServer(brokerId);
    const mayGo = removal.done || removal.errorCode === ErrorCode.BROKER_ID_NOT_REGISTERED;
    if (!mayGo) return removal;
    const outcome = await this.#local.decide((now) => decideUnregisterBroker(now, brokerId));
    if (outcome.errorCode !== ErrorCode.NONE) return notYet(0, outcome);
    return GONE;
  }

  /** Refused as unknown where the engine has none. */
  async #removeServer(brokerId: number): Promise<Removal> {
    const removal = (await this.#parts.removeServer?.(brokerId)) ?? { kind: "unknown" };
    switch (removal.kind) {
      case "removed":
        return GONE;
      case "runs": {
        const text = `the nats-server of broker ${brokerId} still runs: stop the broker`;
        return notYet(0, refused(ErrorCode.NONE, text));
      }
      case "failed":
        return notYet(0, refused(ErrorCode.REQUEST_TIMED_OUT, removal.why));
      case "unknown": {
        const text = `no broker ${brokerId} is registered`;
        return notYet(0, refused(ErrorCode.BROKER_ID_NOT_REGISTERED, text));
      }
    }
  }
}

const GONE: Removal = { ...DONE, partitionsLeft: 0, done: true };

function notYet(partitionsLeft: number, outcome: Outcome): Removal {
  return { ...outcome, partitionsLeft, done: false };
}

function partitionsOn(image: MetadataImage, brokerId: number): number {
  let count = 0;
  for (const { partition } of partitionsOf(image)) {
    if (partition.replicas.includes(brokerId)) count++;
  }
  return count;
}
