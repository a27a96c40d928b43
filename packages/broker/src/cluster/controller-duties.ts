import type { Env, Timer } from "../env/env.ts";
import { LogError } from "../log/log-error.ts";
import type { ReplicaStates, Replication } from "../log/replication.ts";
import type { Logger } from "../logging/logger.ts";
import { decideFenceBroker, decideUnfenceBroker } from "../metadata/decide-broker.ts";
import { decidePreferredLeaders } from "../metadata/decide-elect-leaders.ts";
import { decideIsr, misplacedLogs } from "../metadata/decide-isr.ts";
import {
  type RaftLeaderOf,
  raftLeadersOf,
  UNKNOWN_RAFT_LEADERS,
} from "../metadata/elect-leader.ts";
import type { LocalController } from "../metadata/local-controller.ts";
import { StateMachineError } from "../state-machine/replayed-state.ts";
import { KafkaError } from "../util/kafka-error.ts";
import type { ClusterEngine } from "./cluster-engine.ts";
import { CONTROLLER_TICK_MS, RAFT_MOVES_PER_ROUND, REPLICA_STATES_INTERVAL_MS } from "./limits.ts";
import type { Membership } from "./membership.ts";
import { misplacedMetadata } from "./metadata-replicas.ts";

interface Parts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly logger: Logger;
  readonly membership: Membership;
  readonly replication: Replication;
  readonly local: LocalController;
  /** See ClusterEngine. */
  readonly removeServer: ClusterEngine["removeServer"];
}

/**
 * The controller's periodic work: fences brokers that send no heartbeats, updates ISRs from the
 * engine's reports about replicas, and moves replicas and Raft leaders to the right brokers.
 */
export class ControllerDuties {
  readonly #parts: Parts;
  #timer: Timer | undefined;
  #statesAtMs = Number.NEGATIVE_INFINITY;
  #balancedAtMs: number;
  #states: readonly ReplicaStates[] = [];
  #raftLeaderOf: RaftLeaderOf = UNKNOWN_RAFT_LEADERS;
  #refreshing: Promise<void> | null = null;
  readonly #serversToRemove = new Set<number>();
  /** Why the last decision was refused that was, so that it is logged once. */
  #refusal = "";
  #stopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#balancedAtMs = parts.env.clock.monotonicMs();
  }

  start(): void {
    this.#schedule();
  }

  /** As the engine reported them, up to a few seconds ago. */
  get states(): readonly ReplicaStates[] {
    return this.#states;
  }

  get raftLeaderOf(): RaftLeaderOf {
    return this.#raftLeaderOf;
  }

  /** Moves this broker's partitions to other leaders, and Raft leaders away from its server. */
  async handOver(brokerId: number, incarnationId: string): Promise<void> {
    const { local, logger, membership } = this.#parts;
    logger.info(`cluster: ${membership.textOf(brokerId)} stops: others take over its partitions`);
    await local.decide((image) => {
      return decideFenceBroker(image, brokerId, incarnationId, this.#raftLeaderOf);
    });
    try {
      await this.#refreshStates();
    } catch (error) {
      // When the server stops, its Raft groups elect other leaders anyway, though not as fast.
      if (!(error instanceof LogError)) throw error;
    }
    if (this.#stopped) return;
    const led = this.#states.filter(({ raftLeader }) => raftLeader === brokerId);
    await Promise.all(
      led.map(({ id, replicas }) => {
        const others = replicas.filter((one) => one.current && one.brokerId !== brokerId);
        const leader = this.#leaderOf(id);
        const next = others.find((one) => one.brokerId === leader) ?? others[0];
        return next === undefined ? undefined : this.#moveRaftLeader(id, next.brokerId);
      }),
    );
  }

  /** A removed broker was started, and its server joined: removes the server when it stops. */
  noteRemoved(brokerId: number): void {
    this.#parts.logger.warn(
      `cluster: broker ${brokerId} was removed, but was started again: it can't join; stop it`,
    );
    this.#serversToRemove.add(brokerId);
  }

  /** A broker was started that can't be part of the cluster, and ends now. */
  noteRefused(brokerId: number, why: string): void {
    const { logger, membership } = this.#parts;
    logger.warn(`cluster: ${membership.textOf(brokerId)} can't register: ${why}`);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer = this.#parts.env.timers.after(CONTROLLER_TICK_MS, async () => {
      await this.#tick();
      if (!this.#stopped) this.#schedule();
    });
  }

  async #tick(): Promise<void> {
    try {
      await this.#fenceAndUnfence();
      const nowMs = this.#parts.env.clock.monotonicMs();
      if (nowMs - this.#statesAtMs < REPLICA_STATES_INTERVAL_MS || this.#refreshing !== null)
        return;
      this.#statesAtMs = nowMs;
      // Not awaited: the engine may take long to answer, and brokers must still be fenced.
      void this.#refreshAndMove();
    } catch (error) {
      this.#noteFailure(error);
    }
  }

  /** A round has failed: the next one tries again. */
  #noteFailure(error: unknown): void {
    // The log has failed: ControllerElection sees that and closes this controller.
    if (error instanceof StateMachineError) return;
    if (!(error instanceof KafkaError)) throw error;
    // It may not be written yet: see LocalController. Others would fail by it in the same way.
    if (error.message !== this.#refusal) {
      this.#parts.logger.error(`cluster: the controller can't do its work: ${error.message}`);
    }
    this.#refusal = error.message;
  }

  async #fenceAndUnfence(): Promise<void> {
    const { local, membership, logger } = this.#parts;
    for (const { id, incarnationId, fenced } of local.image.brokers.values()) {
      if (!fenced && membership.hasExpired(id, incarnationId)) {
        const done = await local.decide((image) => {
          return decideFenceBroker(image, id, incarnationId, this.#raftLeaderOf);
        });
        if (done) {
          logger.warn(
            `cluster: ${membership.textOf(id)} sends no heartbeats: it is fenced, and others lead its partitions`,
          );
        }
      } else if (fenced && membership.isAlive(id, incarnationId)) {
        const done = await local.decide((image) => {
          return decideUnfenceBroker(image, id, incarnationId, this.#raftLeaderOf);
        });
        if (done)
          logger.info(`cluster: ${membership.textOf(id)} sends heartbeats again: it is unfenced`);
      }
    }
  }

  #refreshStates(): Promise<void> {
    this.#refreshing ??= this.#readStates().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #readStates(): Promise<void> {
    const { replication, local } = this.#parts;
    const states = await replication.states();
    this.#logRaftLeaderChanges(states);
    this.#states = states;
    this.#raftLeaderOf = raftLeadersOf(states);
    await local.decide((image) => decideIsr(image, this.#states));
  }

  /** Logs how many logs have another Raft leader than at the last refresh. */
  #logRaftLeaderChanges(states: readonly ReplicaStates[]): void {
    const elected = states.filter(({ id, raftLeader }) => {
      const before = this.#raftLeaderOf(id.topicId, id.partition);
      return before !== null && raftLeader !== null && raftLeader !== before;
    });
    if (elected.length === 0) return;
    const what = `raft: ${elected.length} of ${states.length} logs have a new Raft leader`;
    this.#parts.logger.info(what);
  }

  async #refreshAndMove(): Promise<void> {
    try {
      await this.#refreshStates();
      if (this.#stopped) return;
      await this.#balance();
      await this.#moveReplicas();
      await this.#moveRaftLeaders();
      await this.#removeServers();
    } catch (error) {
      if (!(error instanceof LogError)) return this.#noteFailure(error);
      this.#parts.logger.debug("the engine can't report replicas: asking again", { error });
    }
  }

  async #balance(): Promise<void> {
    const { env, local } = this.#parts;
    const config = local.brokerConfig();
    const nowMs = env.clock.monotonicMs();
    const everyMs = config.leaderImbalanceCheckIntervalSeconds * 1000;
    if (!config.autoLeaderRebalanceEnable || nowMs - this.#balancedAtMs < everyMs) return;
    this.#balancedAtMs = nowMs;
    const percent = config.leaderImbalancePerBrokerPercentage;
    await local.decide((image) => decidePreferredLeaders(image, percent));
  }

  async #moveReplicas(): Promise<void> {
    const { local, replication, membership, logger } = this.#parts;
    const { image } = local;
    const wanted = [
      ...misplacedLogs(image, this.#states),
      ...misplacedMetadata(image, this.#states, membership.liveIds()),
    ];
    for (const { id, replicas } of wanted) {
      try {
        await replication.moveReplicas(id, replicas);
      } catch (error) {
        // It is already moving, or no server can take a replica now: retried at the next refresh.
        if (!(error instanceof LogError)) throw error;
        logger.debug(`${id.topic}-${id.partition} can't be moved yet`, { error });
      }
    }
  }

  /** Moves Raft leaders to the partition leaders' own servers: each append saves a network hop. */
  async #moveRaftLeaders(): Promise<void> {
    const apart = this.#states.filter(({ id, raftLeader, replicas }) => {
      const leader = this.#leaderOf(id);
      if (raftLeader === null || leader === raftLeader) return false;
      return replicas.some(({ brokerId, current }) => brokerId === leader && current);
    });
    await Promise.all(
      apart.slice(0, RAFT_MOVES_PER_ROUND).map(({ id }) => {
        return this.#moveRaftLeader(id, this.#leaderOf(id));
      }),
    );
  }

  async #removeServers(): Promise<void> {
    const { removeServer, membership, local } = this.#parts;
    for (const brokerId of this.#serversToRemove) {
      // A new broker was registered with this id.
      if (local.image.brokers.has(brokerId) || removeServer === null) {
        this.#serversToRemove.delete(brokerId);
        continue;
      }
      if (membership.liveIds().includes(brokerId)) continue;
      const { kind } = await removeServer(brokerId);
      if (kind === "removed" || kind === "unknown") this.#serversToRemove.delete(brokerId);
    }
  }

  async #moveRaftLeader(id: ReplicaStates["id"], brokerId: number): Promise<void> {
    try {
      await this.#parts.replication.moveRaftLeader(id, brokerId);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const what = `the Raft leader of ${id.topic}-${id.partition} did not move`;
      this.#parts.logger.debug(what, { error });
    }
  }

  #leaderOf({ topicId, partition }: ReplicaStates["id"]): number {
    const { image } = this.#parts.local;
    return image.topicsById.get(topicId)?.partitions[partition]?.leader ?? ANYWHERE;
  }
}

/** No broker's id, for the metadata log: its Raft leader may be on any broker's server. */
const ANYWHERE = -1;
