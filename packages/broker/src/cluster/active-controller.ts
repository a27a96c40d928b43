import type { Env } from "../env/env.ts";
import type { LogOptions } from "../log/log.ts";
import type { LogEngine } from "../log/log-engine.ts";
import type { LeaderLog, ReplicaStates } from "../log/replication.ts";
import type { Logger } from "../logging/logger.ts";
import { deltaBetween } from "../metadata/delta.ts";
import type { Founding } from "../metadata/founding.ts";
import { LocalController } from "../metadata/local-controller.ts";
import { METADATA_LOG, METADATA_LOG_OPTIONS } from "../metadata/metadata-log.ts";
import { localForm, servedForm } from "../metadata/operation.ts";
import { operations } from "../metadata/operations.ts";
import { type Quorum, quorumLeader } from "../metadata/quorum.ts";
import type { ClusterEngine } from "./cluster-engine.ts";
import { ClusterLogs } from "./cluster-logs.ts";
import { type ActiveContext, type ClusterController, ownOperations } from "./cluster-operations.ts";
import { ControllerDuties } from "./controller-duties.ts";
import type { ServedController } from "./controller-server.ts";
import { deleteLogsOfTopics } from "./deleted-topics.ts";
import { ExpectedBrokers } from "./expected-brokers.ts";
import type { Membership } from "./membership.ts";

export interface ActiveControllerParts {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly logger: Logger;
  readonly engine: LogEngine;
  readonly membership: Membership;
  readonly nodeId: number;
  readonly kafkaConfigs: Readonly<Record<string, string>>;
  readonly founding: Founding | null;
  /** See ExpectedBrokers. */
  readonly listed: number;
  /** The options of new partitions' logs. */
  readonly newLogOptions: () => LogOptions;
  /** See ClusterEngine. */
  readonly removeServer: ClusterEngine["removeServer"];
}

/** The controller of the cluster. It runs on the broker that leads the metadata log. */
export class ActiveController implements ServedController {
  readonly controller: ClusterController;
  readonly #parts: ActiveControllerParts;
  readonly #log: LeaderLog;
  readonly #local: LocalController;
  readonly #duties: ControllerDuties;

  private constructor(parts: ActiveControllerParts, log: LeaderLog, local: LocalController) {
    this.#parts = parts;
    this.#log = log;
    this.#local = local;
    const replication = parts.engine.replication!;
    this.#duties = new ControllerDuties({ ...parts, replication, local });
    const expectedBrokers = new ExpectedBrokers({ ...parts, local });
    const { removeServer } = parts;
    const context: ActiveContext = {
      ...{ local, duties: this.#duties, expectedBrokers, removeServer },
      quorum: () => this.#quorum(),
    };
    this.controller = {
      // When an append fails, clients get an error that they retry themselves.
      ...localForm(operations, local),
      // These reject instead: if the log was fenced, the calling broker asks the next controller.
      ...servedForm(ownOperations, context),
    };
  }

  /**
   * Begins a leader epoch of the metadata log, which fences the controller before. Rejects with
   * LogError, also if another broker has become the controller meanwhile.
   */
  static async open(parts: ActiveControllerParts): Promise<ActiveController> {
    const { engine, env, nodeId, kafkaConfigs, founding, logger, membership } = parts;
    const log = await engine.replication!.lead(METADATA_LOG, {
      ...METADATA_LOG_OPTIONS,
      // Several candidates may wait for the same Raft election; the others give up after the first.
      isStillWanted: () => membership.controller === null,
    });
    try {
      const local: LocalController = await LocalController.open({
        log,
        host: new ClusterLogs(engine, parts.newLogOptions, () => local.image),
        env,
        nodeId,
        kafkaConfigs,
        founding,
        leaderEpoch: log.leaderEpoch,
      });
      const active = new ActiveController(parts, log, local);
      local.onCommit((previous, next) => {
        membership.sendHeartbeat();
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

  /** The brokers that hold the metadata's log; empty while the engine has not told. */
  get metadataReplicas(): readonly number[] {
    return this.#ownState()?.replicas.map(({ brokerId }) => brokerId) ?? [];
  }

  /** Why it can't change anything any more: its log has failed, or another broker leads the log. */
  get failure(): Error | null {
    return this.#local.failure ?? this.#log.failure;
  }

  /** Rejects with LogError unless the log confirms that this is still the controller. */
  async confirm(): Promise<void> {
    await this.#log.confirm?.();
  }

  async close(): Promise<void> {
    this.#duties.stop();
    await this.#log.close();
  }

  #ownState(): ReplicaStates | undefined {
    return this.#duties.states.find(({ id }) => id.topicId === METADATA_LOG.topicId);
  }

  #quorum(): Quorum {
    const { env, nodeId } = this.#parts;
    const now = env.clock.wallMs();
    const { endOffset } = this;
    const voters = (this.#ownState()?.replicas ?? []).map(({ brokerId, current, lag }) => {
      const seenMs = current ? now : -1;
      const logEndOffset = Math.max(0, endOffset - lag);
      return { id: brokerId, logEndOffset, lastFetchMs: seenMs, lastCaughtUpMs: seenMs };
    });
    const self = quorumLeader(nodeId, endOffset, now);
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
}
