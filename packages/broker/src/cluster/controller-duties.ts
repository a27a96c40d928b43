import type { Env, Timer } from "../env/env.ts";
import { LogError } from "../log/log-error.ts";
import type { ReplicaStates, Replication } from "../log/replication.ts";
import type { Logger } from "../logging/logger.ts";
import { decideFenceBroker, decideUnfenceBroker } from "../metadata/decide-broker.ts";
import { decidePreferredLeaders } from "../metadata/decide-elect-leaders.ts";
import { decideIsr, misplacedLogs } from "../metadata/decide-isr.ts";
import { NO_RAFT_LEADERS, type RaftLeaderOf, raftLeadersOf } from "../metadata/elect-leader.ts";
import type { LocalController } from "../metadata/local-controller.ts";
import { StateMachineError } from "../state-machine/replayed.ts";
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
 * What a controller does unasked: brokers that fall silent lose what they lead, what the engine
 * says of replicas comes into the metadata, and replicas and leaders are brought to where they
 * belong.
 */
export class ControllerDuties {
  readonly #parts: Parts;
  #timer: Timer | undefined;
  #statesAtMs = Number.NEGATIVE_INFINITY;
  #balancedAtMs: number;
  #states: readonly ReplicaStates[] = [];
  #raftLeaderOf: RaftLeaderOf = NO_RAFT_LEADERS;
  #looking: Promise<void> | null = null;
  readonly #turnedAway = new Set<number>();
  #stopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#balancedAtMs = parts.env.clock.monotonicMs();
  }

  start(): void {
    this.#schedule();
  }

  /** As the engine said lately. */
  get states(): readonly ReplicaStates[] {
    return this.#states;
  }

  get raftLeaderOf(): RaftLeaderOf {
    return this.#raftLeaderOf;
  }

  /** Others lead what this broker led, and its server is asked to lead no Raft group. */
  async relieve(brokerId: number, incarnationId: string): Promise<void> {
    const { local, logger, membership } = this.#parts;
    logger.info(`cluster: ${membership.named(brokerId)} stops: others take over what it leads`);
    await local.decide((image) => {
      return decideFenceBroker(image, brokerId, incarnationId, this.#raftLeaderOf);
    });
    try {
      await this.#look();
    } catch (error) {
      // The engine moves its Raft leaders by itself when the server stops, only not as fast.
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

  /** A removed broker was started: its server takes part again, and is to go when it is down. */
  turnAway(brokerId: number): void {
    this.#parts.logger.warn(
      `broker ${brokerId} was removed from the cluster and is refused: stop it`,
    );
    this.#turnedAway.add(brokerId);
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
      await this.#validateBrokers();
      const nowMs = this.#parts.env.clock.monotonicMs();
      if (nowMs - this.#statesAtMs < REPLICA_STATES_INTERVAL_MS || this.#looking !== null) return;
      this.#statesAtMs = nowMs;
      // An engine in the middle of an election takes its time; brokers are judged meanwhile.
      void this.#lookAndMove();
    } catch (error) {
      // Whoever owns this controller sees that its log has failed.
      if (!(error instanceof StateMachineError)) throw error;
    }
  }

  async #validateBrokers(): Promise<void> {
    const { local, membership, logger } = this.#parts;
    for (const { id, incarnationId, fenced } of local.image.brokers.values()) {
      if (!fenced && membership.isSilent(id, incarnationId)) {
        const done = await local.decide((image) => {
          return decideFenceBroker(image, id, incarnationId, this.#raftLeaderOf);
        });
        if (done) {
          logger.warn(
            `cluster: ${membership.named(id)} sends no heartbeats: it is fenced, and others lead its partitions`,
          );
        }
      } else if (fenced && membership.isHeard(id, incarnationId)) {
        const done = await local.decide((image) => {
          return decideUnfenceBroker(image, id, incarnationId, this.#raftLeaderOf);
        });
        if (done)
          logger.info(`cluster: ${membership.named(id)} sends heartbeats again: it is unfenced`);
      }
    }
  }

  #look(): Promise<void> {
    this.#looking ??= this.#readStates().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #readStates(): Promise<void> {
    const { replication, local } = this.#parts;
    const states = await replication.states();
    this.#tellOfRaftLeaders(states);
    this.#states = states;
    this.#raftLeaderOf = raftLeadersOf(states);
    await local.decide((image) => decideIsr(image, this.#states));
  }

  /** Since the last look; of logs that have no leader now nothing is known. */
  #tellOfRaftLeaders(states: readonly ReplicaStates[]): void {
    const elected = states.filter(({ id, raftLeader }) => {
      const before = this.#raftLeaderOf(id.topicId, id.partition);
      return before !== null && raftLeader !== null && raftLeader !== before;
    });
    if (elected.length === 0) return;
    const what = `raft: ${elected.length} of ${states.length} logs have another Raft leader`;
    this.#parts.logger.info(what);
  }

  async #lookAndMove(): Promise<void> {
    try {
      await this.#look();
      if (this.#stopped) return;
      await this.#balance();
      await this.#moveReplicas();
      await this.#moveRaftLeaders();
      await this.#removeServers();
    } catch (error) {
      if (error instanceof StateMachineError) return;
      if (!(error instanceof LogError)) throw error;
      this.#parts.logger.debug("the engine can't say where replicas are: asking again", { error });
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
        // It is moving, or the engine has no place at the moment: asked again next time.
        if (!(error instanceof LogError)) throw error;
        logger.debug(`${id.topic}-${id.partition} can't be moved yet`, { error });
      }
    }
  }

  /** Beside the partition's leader an append takes one hop less. */
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
    for (const brokerId of this.#turnedAway) {
      // It has come back after all, as a new one.
      if (local.image.brokers.has(brokerId) || removeServer === null) {
        this.#turnedAway.delete(brokerId);
        continue;
      }
      if (membership.liveIds().includes(brokerId)) continue;
      const { kind } = await removeServer(brokerId);
      if (kind === "removed" || kind === "unknown") this.#turnedAway.delete(brokerId);
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
    return image.topicsById.get(topicId)?.partitions[partition]?.leader ?? METADATA_ANYWHERE;
  }
}

/** The metadata's Raft leader may be beside any broker. */
const METADATA_ANYWHERE = -1;
