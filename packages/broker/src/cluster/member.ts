import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import { type FollowedLog, LogError, type ReplicaStates } from "../log/log.ts";
import type { Logger } from "../logging/logger.ts";
import { EMPTY_IMAGE } from "../metadata/image.ts";
import { Metadata } from "../metadata/metadata.ts";
import { hostAndPort } from "../nats/server-config.ts";
import { followMetadata } from "../partition/follow-metadata.ts";
import { Partitions } from "../partition/partitions.ts";
import type { Followers } from "../partition/readable-partition.ts";
import { CatchUp } from "./catch-up.ts";
import type { ClusterEngine } from "./cluster-engine.ts";
import { ControllerElection } from "./controller-election.ts";
import { serveController } from "./controller-server.ts";
import { FollowedPartitions } from "./followed-partitions.ts";
import { openMetadataLog } from "./found-cluster.ts";
import { MemberFile } from "./member-file.ts";
import { Membership } from "./membership.ts";
import { MetadataFollower } from "./metadata-follower.ts";
import { RemoteController } from "./remote-controller.ts";
import { tellOfBrokers } from "./tell-of-brokers.ts";

export interface MemberParts {
  readonly env: Env;
  readonly settings: BrokerSettings;
  readonly engine: ClusterEngine;
  readonly logger: Logger;
  /** Aborts when the broker is told to stop before it has started. */
  readonly stopping: AbortSignal;
  /** See StartOptions. */
  readonly onWaiting?: ((what: string) => void) | undefined;
}

/** A broker's part in its cluster. */
export class ClusterMember {
  readonly metadata: Metadata;
  readonly partitions: Partitions;
  readonly controller: RemoteController;
  readonly followers: Followers;
  readonly #engine: ClusterEngine;
  readonly #election: ControllerElection;
  readonly #membership: Membership;
  readonly #follower: MetadataFollower;
  readonly #stopServing: () => void;
  #isLeaving = false;

  private constructor(
    { env, settings, engine, logger, stopping }: MemberParts,
    membership: Membership,
    log: FollowedLog,
    clusterId: string,
  ) {
    const { nodeId, kafkaConfigs } = settings;
    this.#engine = engine;
    this.#membership = membership;
    const follower = new MetadataFollower(log, {
      env,
      logger,
      onImage: (image) => this.metadata.advance(image),
    });
    this.#follower = follower;
    const { bus } = engine;
    const file = new MemberFile(env.fs, settings.dataDirectory);
    this.controller = new RemoteController({ env, bus, membership, follower, stopping, file });
    const catchUp = new CatchUp({ follower, askEnd: () => this.controller.end() });
    this.metadata = new Metadata({
      nodeId,
      clusterId,
      kafkaConfigs,
      env,
      image: EMPTY_IMAGE,
      controller: this.controller,
      controllerId: () => membership.controller?.brokerId ?? NO_CONTROLLER,
      endOffset: () => follower.offset,
      unseen: () => catchUp.begin(),
      isolated: () => membership.isolated,
      failure: () => null,
    });
    this.partitions = newPartitions(engine, env, logger, this.metadata);
    followMetadata(this.metadata, this.partitions);
    this.metadata.onChange((previous, { brokers }) => {
      if (!previous.brokers.has(nodeId) || brokers.has(nodeId)) return;
      logger.error(`${file.removed(nodeId).message}; stop it now`);
      void file.write("removed");
    });
    const named = membership.named.bind(membership);
    this.metadata.onChange((previous, next) => {
      tellOfBrokers(previous, next, { logger, named });
    });
    // With servers of somebody else's a broker alone can be a whole cluster.
    if (engine.removeServer !== null) {
      membership.expect({
        peers: () => unfenced(this.metadata),
        hasSeen: (metadataEnd) => follower.offset >= metadataEnd,
      });
    }
    engine.knowBrokers(() => {
      return [...new Set([...this.metadata.image.brokers.keys(), ...membership.liveIds()])];
    });
    membership.onHeartbeat(({ controllerEpoch, metadataEnd }) => {
      if (controllerEpoch !== null) follower.heard(metadataEnd);
    });
    const enabled = settings.cluster!.followerRead;
    this.followers = new FollowedPartitions({
      ...{ env, engine, membership, enabled },
      metadata: this.metadata,
    });
    this.#election = new ControllerElection({
      env,
      logger,
      engine: engine.logs,
      membership,
      nodeId,
      kafkaConfigs,
      listed: listedBrokers(settings),
      newLogOptions: () => this.metadata.topicConfig(""),
      removeServer: engine.removeServer,
    });
    this.#stopServing = serveController(bus, nodeId, logger, () => this.#election.active);
    membership.announce(() => ({
      brokerId: nodeId,
      name: settings.nodeName,
      // Who leaves is not missed, but nor is it to be given anything.
      incarnationId: this.#isLeaving ? "" : this.metadata.incarnationId,
      controllerEpoch: this.#election.active?.epoch ?? null,
      metadataEnd: this.#election.active?.endOffset ?? 0,
      clusterId,
      followerRead: enabled,
    }));
  }

  /**
   * Joins the cluster, or founds it. The broker is told of by heartbeats from then on, and known to
   * clients after `metadata.registerBroker`.
   */
  static async join(parts: MemberParts): Promise<ClusterMember> {
    const membership = new Membership(parts.env, parts.engine.bus);
    // Who founds a cluster has the others hold replicas of all that it makes, from the beginning.
    parts.engine.knowBrokers(() => membership.liveIds());
    try {
      const { log, clusterId } = await openMetadataLog(parts, membership);
      return new ClusterMember(parts, membership, log, clusterId);
    } catch (error) {
      membership.close();
      throw error;
    }
  }

  /** Where every log's replicas are; empty while the engine can't say. */
  async replicaStates(): Promise<readonly ReplicaStates[]> {
    try {
      return await this.#engine.logs.replication!.states();
    } catch (error) {
      if (error instanceof LogError) return [];
      throw error;
    }
  }

  /** See Membership. */
  onIsolated(listener: () => void): void {
    this.#membership.onIsolated(listener);
  }

  /**
   * Others lead what this broker led, and one of them is the controller, unless nobody is left for
   * that. Nothing of this broker waits for the others any more then.
   */
  async leave(): Promise<void> {
    const { nodeId, incarnationId } = this.metadata;
    this.#isLeaving = true;
    this.#election.retire();
    this.#membership.beat();
    const handedOver = this.controller.leave(nodeId, incarnationId);
    await Promise.race([handedOver, this.#membership.whenAlone()]);
    this.stopWaiting();
    await this.#election.close();
  }

  /** From here on whatever takes other machines has failed when they don't answer at once. */
  stopWaiting(): void {
    this.controller.stopWaiting();
    this.#engine.logs.replication!.stopWaiting();
  }

  /** To be called when the partitions are closed. */
  async close(): Promise<void> {
    this.#stopServing();
    await this.followers.close();
    this.#membership.close();
    await this.#election.close();
    await this.#follower.close();
  }
}

const NO_CONTROLLER = -1;

/** As the configuration has them; 0 where it does not say. */
function listedBrokers({ cluster }: BrokerSettings): number {
  const { engine, discovery } = cluster!;
  if (engine.kind !== "managed" || discovery.type !== "static") return 0;
  const own = hostAndPort(engine.raftHost, engine.raftPort);
  return new Set([own, ...discovery.peers]).size;
}

function unfenced({ image }: Metadata): number[] {
  return [...image.brokers.values()].filter(({ fenced }) => !fenced).map(({ id }) => id);
}

function newPartitions(
  engine: ClusterEngine,
  env: Env,
  logger: Logger,
  metadata: Metadata,
): Partitions {
  return new Partitions(engine.logs, env, logger, {
    nodeId: metadata.nodeId,
    producerExpirationMs: () => metadata.brokerConfig().producerIdExpirationMs,
    newLogSettings: () => metadata.topicConfig(""),
    isIsolated: () => metadata.isolated,
    isKnown: (topic, index) => metadata.hasPartition(topic, index),
  });
}
