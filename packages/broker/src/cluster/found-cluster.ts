import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import { LogError } from "../log/log-error.ts";
import type { FollowerLog } from "../log/replication.ts";
import type { Logger } from "../logging/logger.ts";
import type { Founding } from "../metadata/founding.ts";
import { METADATA_LOG, METADATA_LOG_OPTIONS } from "../metadata/metadata-log.ts";
import type { ClusterEngine } from "./cluster-engine.ts";
import { ClusterError } from "./cluster-error.ts";
import { ClusterIdFile } from "./cluster-id-file.ts";
import { BROKER_SESSION_MS, CONTROLLER_RETRY_MS, PROGRESS_INTERVAL_MS } from "./limits.ts";
import type { Membership } from "./membership.ts";
import { metadataReplicas } from "./metadata-replicas.ts";

interface Parts {
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

/**
 * Opens the metadata log of the cluster, and retries until that succeeds. Creates the log only if
 * neither this broker's data directory nor any broker whose heartbeats it gets belongs to a
 * cluster: a lost metadata log is never replaced by an empty one. Rejects with ClusterError, or
 * with the problem of `founding`.
 */
export async function openMetadataLog(
  parts: Parts,
  membership: Membership,
): Promise<{ log: FollowerLog; clusterId: string }> {
  const { env, settings, engine } = parts;
  const file = new ClusterIdFile(env.fs, settings.dataDirectory);
  const known = await file.read();
  announceNewcomer(membership, settings, known);
  const startedMs = env.clock.monotonicMs();
  const progress = new Progress(parts);
  for (;;) {
    parts.stopping.throwIfAborted();
    try {
      const log = await engine.logs.replication!.follow(METADATA_LOG, METADATA_LOG_OPTIONS);
      const clusterId = log.label;
      if (known === null) await file.write(clusterId);
      else if (known !== clusterId) {
        await log.close();
        throw otherCluster(settings.dataDirectory, known, clusterId);
      }
      return { log, clusterId };
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const waitedMs = env.clock.monotonicMs() - startedMs;
      if (error.kind !== "missing") progress.log("the cluster's metadata can't be read yet", error);
      else if (known !== null && waitedMs > LOST_AFTER_MS) throw metadataLost(known);
      else if (known === null && membership.clusterId === null && waitedMs > BROKER_SESSION_MS) {
        await foundCluster(parts, membership, progress);
        continue;
      }
    }
    await new Promise<void>((resolve) => env.timers.after(CONTROLLER_RETRY_MS, resolve));
  }
}

/** The live broker with the lowest id creates the metadata log; the others then open it. */
async function foundCluster(
  parts: Parts,
  membership: Membership,
  progress: Progress,
): Promise<void> {
  const live = membership.liveIds();
  if (live[0] !== parts.settings.nodeId) return;
  if (parts.founding !== null && parts.founding.problem !== null) throw parts.founding.problem;
  const label = Buffer.from(parts.env.random.bytes(16)).toString("base64url");
  const replication = parts.engine.logs.replication!;
  for (const replicas of metadataPlacements(parts.engine, live)) {
    try {
      await replication.provision(METADATA_LOG, { ...METADATA_LOG_OPTIONS, replicas, label });
      parts.logger.info(
        `founded cluster ${label} with ${live.map(membership.textOf, membership).join(", ")}`,
      );
      return;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      if (error.kind === "exists") return;
      progress.log("the cluster can't be founded yet", error);
    }
  }
}

/**
 * Lists of brokers to hold the metadata log, in the order to try. With external NATS servers only
 * the number of ids counts: three replicas, or one if there is one server.
 */
function metadataPlacements(engine: ClusterEngine, live: readonly number[]): (readonly number[])[] {
  if (engine.removeServer === null) return [[0, 1, 2], [0]];
  return [live.slice(0, metadataReplicas(live.length))];
}

/** Begins to send heartbeats: brokers that found a cluster together must know of each other. */
function announceNewcomer(
  membership: Membership,
  { nodeId: brokerId, nodeName: name }: BrokerSettings,
  clusterId: string | null,
): void {
  const none = {
    ...{ incarnationId: "", controllerEpoch: null, metadataEnd: 0, metadataReplicas: [] },
    followerRead: false,
  };
  membership.announce(() => ({ brokerId, name, clusterId, ...none }));
}

/** JetStream servers that have just started may not know their streams for several seconds. */
const LOST_AFTER_MS = 15_000;

function otherCluster(directory: string, known: string, found: string): ClusterError {
  return new ClusterError(
    "TARPAN_OTHER_CLUSTER",
    `${directory} belongs to cluster ${known}, but its peers belong to cluster ${found}: ` +
      "correct the peers, or give this broker another data directory",
  );
}

function metadataLost(clusterId: string): ClusterError {
  return new ClusterError(
    "TARPAN_METADATA_LOST",
    `the metadata of cluster ${clusterId} is missing on all servers that can be reached: start ` +
      "the servers that held it; Tarpan never replaces it with an empty one " +
      "(docs/cluster.md, What fails how)",
  );
}

/** Logs what the broker waits for, at most once per PROGRESS_INTERVAL_MS. */
class Progress {
  readonly #parts: Parts;
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  log(what: string, error: LogError): void {
    const { env, logger, onWaiting } = this.#parts;
    const nowMs = env.clock.monotonicMs();
    if (nowMs - this.#loggedAtMs < PROGRESS_INTERVAL_MS) return;
    this.#loggedAtMs = nowMs;
    const line = `waiting: ${what}: ${error.message}`;
    logger.info(line);
    onWaiting?.(line);
  }
}
