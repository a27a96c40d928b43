import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import { LogError } from "../log/log-error.ts";
import type { FollowerLog, ReplicaStates } from "../log/replication.ts";
import type { Logger } from "../logging/logger.ts";
import type { MetadataDelta } from "../metadata/delta.ts";
import type { Founding } from "../metadata/founding.ts";
import { EMPTY_IMAGE, type MetadataImage } from "../metadata/image.ts";
import { Metadata } from "../metadata/metadata.ts";
import { hostAndPort } from "../nats/server-config.ts";
import { Rpc } from "../rpc/rpc.ts";
import { CatchUp } from "./catch-up.ts";
import { clusterController } from "./cluster-controller.ts";
import type { ClusterEngine } from "./cluster-engine.ts";
import { type ClusterController, clusterOperations } from "./cluster-operations.ts";
import { ControllerCaller } from "./controller-caller.ts";
import { ControllerElection } from "./controller-election.ts";
import { serveController } from "./controller-server.ts";
import { FollowerPartitions } from "./follower-partitions.ts";
import { openMetadataLog } from "./found-cluster.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { logBrokerChanges } from "./log-broker-changes.ts";
import { MemberFile } from "./member-file.ts";
import { Membership } from "./membership.ts";
import { MetadataFollower } from "./metadata-follower.ts";

export interface MemberParts {
  readonly env: Env;
  readonly settings: BrokerSettings;
  readonly engine: ClusterEngine;
  readonly founding: Founding | null;
  readonly logger: Logger;
  /** Aborts when the broker is told to stop before it has started. */
  readonly stopping: AbortSignal;
  /** See StartOptions. */
  readonly onWaiting?: ((what: string) => void) | undefined;
}

/** This broker as a member of its cluster: heartbeats, election, metadata, calls to brokers. */
export class ClusterMember {
  readonly metadata: Metadata;
  readonly controller: ClusterController;
  readonly #caller: ControllerCaller;
  readonly followers: FollowerPartitions;
  /** For calls to other brokers. */
  readonly rpc: Rpc;
  readonly #parts: MemberParts;
  readonly #membership: Membership;
  readonly #follower: MetadataFollower;
  readonly #election: ControllerElection;
  readonly #file: MemberFile;
  #stopServing: () => void = () => {};
  #isLeaving = false;

  private constructor(
    parts: MemberParts,
    rpc: Rpc,
    membership: Membership,
    { log, clusterId }: { readonly log: FollowerLog; readonly clusterId: string },
  ) {
    const { env, settings, engine, logger, stopping } = parts;
    this.#parts = parts;
    this.rpc = rpc;
    this.#membership = membership;
    const onImage = (image: MetadataImage) => this.metadata.advance(image);
    const follower = new MetadataFollower(log, { env, logger, onImage });
    this.#follower = follower;
    const file = new MemberFile(env.fs, settings.dataDirectory);
    this.#file = file;
    this.#caller = new ControllerCaller({ env, rpc, membership, follower });
    this.controller = clusterController(this.#caller, { env, stopping, file });
    this.metadata = this.#newMetadata(clusterId);
    const { metadata } = this;
    const enabled = settings.cluster!.followerRead;
    this.followers = new FollowerPartitions({ env, engine, membership, enabled, metadata });
    this.#election = this.#newElection();
    this.#listen();
  }

  /**
   * Joins the cluster, or founds it, and sends heartbeats from now on. The metadata is not read
   * before `start`. Clients see the broker when it has been registered.
   */
  static async join(parts: MemberParts): Promise<ClusterMember> {
    const { env, engine, settings, logger } = parts;
    const rpc = new Rpc({ env, bus: engine.bus, nodeId: settings.nodeId, logger });
    const membership = new Membership(env, rpc);
    // The founder places replicas on the others, so the engine must know them from the start.
    engine.setBrokers(() => membership.liveIds());
    try {
      membership.start();
      return new ClusterMember(parts, rpc, membership, await openMetadataLog(parts, membership));
    } catch (error) {
      membership.close();
      rpc.close();
      throw error;
    }
  }

  /** Begins to follow the metadata, to answer calls, and to be a candidate for the controller. */
  start(): void {
    const active = () => this.#election.active;
    this.#stopServing = serveController(this.rpc, clusterOperations, this.#parts.logger, active);
    this.rpc.start();
    this.#follower.start();
    this.followers.start();
    this.#election.start();
    this.#membership.announce(() => this.#heartbeat());
  }

  #newMetadata(clusterId: string): Metadata {
    const { env, settings } = this.#parts;
    const membership = this.#membership;
    const follower = this.#follower;
    const catchUp = new CatchUp({ follower, askEnd: () => this.#caller.end() });
    return new Metadata({
      nodeId: settings.nodeId,
      clusterId,
      kafkaConfigs: settings.kafkaConfigs,
      env,
      image: EMPTY_IMAGE,
      controller: this.controller,
      controllerId: () => membership.controller?.brokerId ?? NO_CONTROLLER,
      endOffset: () => follower.offset,
      unseen: () => catchUp.begin(),
      isolated: () => membership.isolated,
      failure: () => null,
    });
  }

  #newElection(): ControllerElection {
    const { env, settings, engine, logger, founding } = this.#parts;
    return new ControllerElection({
      env,
      logger,
      // With a problem of this broker's, the user is missing, which it says when it has started.
      founding: founding?.problem === null ? founding : null,
      engine: engine.logs,
      membership: this.#membership,
      nodeId: settings.nodeId,
      kafkaConfigs: settings.kafkaConfigs,
      listed: listedBrokers(settings),
      newLogOptions: () => this.metadata.topicConfig(""),
      removeServer: engine.removeServer,
    });
  }

  #listen(): void {
    const { metadata } = this;
    const { engine, logger } = this.#parts;
    const membership = this.#membership;
    const follower = this.#follower;
    metadata.onChange((delta) => this.#noticeRemoval(delta));
    const named = membership.textOf.bind(membership);
    metadata.onChange((delta, image) => logBrokerChanges(delta, image, { logger, named }));
    // With external NATS servers a broker is never isolated: it may serve without heartbeats.
    if (engine.removeServer !== null) {
      membership.expect({
        brokers: () => [...metadata.image.brokers.keys()],
        hasSeen: (metadataEnd) => follower.offset >= metadataEnd,
        isConfirmed: (sinceMs) => this.#election.isConfirmed(sinceMs),
      });
    }
    engine.setBrokers(() => {
      return [...new Set([...metadata.image.brokers.keys(), ...membership.liveIds()])];
    });
    membership.onHeartbeat(({ controllerEpoch, metadataEnd }) => {
      if (controllerEpoch !== null) follower.noteEnd(metadataEnd);
    });
  }

  #noticeRemoval({ brokers }: MetadataDelta): void {
    const { nodeId } = this.metadata;
    if (!brokers.some(({ id, now }) => id === nodeId && now === null)) return;
    this.#parts.logger.error(
      `cluster: broker ${nodeId} was removed from the cluster: stop it, then delete its data directory`,
    );
    void this.#file.write("removed");
  }

  #heartbeat(): Heartbeat {
    const { nodeName, cluster } = this.#parts.settings;
    const { nodeId, incarnationId, clusterId } = this.metadata;
    const { active } = this.#election;
    return {
      brokerId: nodeId,
      name: nodeName,
      incarnationId: this.#isLeaving ? "" : incarnationId,
      controllerEpoch: active?.epoch ?? null,
      metadataEnd: active?.endOffset ?? 0,
      metadataReplicas: active?.metadataReplicas ?? [],
      clusterId,
      followerRead: cluster!.followerRead,
    };
  }

  /** Where every log's replicas are; empty while the engine can't say. */
  async replicaStates(): Promise<readonly ReplicaStates[]> {
    try {
      return await this.#parts.engine.logs.replication!.states();
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
   * Resolves when others lead this broker's partitions and it is not the controller any more, or
   * when no other broker is left. From then on this broker waits for no other.
   */
  async leave(): Promise<void> {
    const { nodeId: brokerId, incarnationId } = this.metadata;
    this.#isLeaving = true;
    this.#election.retire();
    this.#membership.sendHeartbeat();
    const handedOver = this.controller.leaveCluster({ brokerId, incarnationId });
    await Promise.race([handedOver, this.#membership.whenNoSuccessor()]);
    this.stopWaiting();
    await this.#election.close();
  }

  /** From now on, calls to other brokers and to nats-servers fail instead of waiting for them. */
  stopWaiting(): void {
    this.#caller.stopWaiting();
    this.#parts.engine.logs.replication!.stopWaiting();
  }

  /** To be called after the partitions were closed. */
  async close(): Promise<void> {
    await this.#election.close();
    await this.followers.close();
    await this.#follower.close();
    this.#stopServing();
    this.rpc.close();
    this.#membership.close();
  }
}

const NO_CONTROLLER = -1;

/** How many brokers the configuration lists, this one included; 0 if it lists none. */
function listedBrokers({ cluster }: BrokerSettings): number {
  const { engine, discovery } = cluster!;
  if (engine.kind !== "managed" || discovery.type !== "static") return 0;
  const own = hostAndPort(engine.raftHost, engine.raftPort);
  return new Set([own, ...discovery.peers]).size;
}
