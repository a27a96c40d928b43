import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import { LogError } from "../log/log-error.ts";
import type { FollowerLog } from "../log/replication.ts";
import type { Logger } from "../logging/logger.ts";
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
  readonly logger: Logger;
  /** Aborts when the broker is told to stop before it has started. */
  readonly stopping: AbortSignal;
  /** See StartOptions. */
  readonly onWaiting?: ((what: string) => void) | undefined;
}

/**
 * Opens the log of the cluster's metadata, as long as that takes. It is made only where nobody
 * knows of a cluster: not this broker's data directory, and none of the brokers it hears. A lost
 * one is never replaced by an empty one.
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
      if (error.kind !== "missing") progress.say(`the metadata can't be read yet`, error);
      else if (known !== null && waitedMs > LOST_AFTER_MS) throw metadataLost(known);
      else if (known === null && membership.clusterId === null && waitedMs > BROKER_SESSION_MS) {
        await found(parts, membership, progress);
        continue;
      }
    }
    await new Promise<void>((resolve) => env.timers.after(CONTROLLER_RETRY_MS, resolve));
  }
}

/** The first of the brokers that hear each other makes the log; the others find it. */
async function found(parts: Parts, membership: Membership, progress: Progress): Promise<void> {
  const live = membership.liveIds();
  if (live[0] !== parts.settings.nodeId) return;
  const label = Buffer.from(parts.env.random.bytes(16)).toString("base64url");
  const replication = parts.engine.logs.replication!;
  for (const replicas of placesOf(parts.engine, live)) {
    try {
      await replication.provision(METADATA_LOG, { ...METADATA_LOG_OPTIONS, replicas, label });
      parts.logger.info(
        `founded cluster ${label} with ${live.map(membership.named, membership).join(", ")}`,
      );
      return;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      if (error.kind === "exists") return;
      progress.say("the cluster can't be founded yet", error);
    }
  }
}

/** Where the metadata may lie. Of servers that somebody else runs only the number counts. */
function placesOf(engine: ClusterEngine, live: readonly number[]): (readonly number[])[] {
  if (engine.removeServer === null) return [[0, 1, 2], [0]];
  return [live.slice(0, metadataReplicas(live.length))];
}

/** Those who are to found a cluster together have to hear of each other first. */
function announceNewcomer(
  membership: Membership,
  { nodeId: brokerId, nodeName: name }: BrokerSettings,
  clusterId: string | null,
): void {
  const none = { incarnationId: "", controllerEpoch: null, metadataEnd: 0, followerRead: false };
  membership.announce(() => ({ brokerId, name, clusterId, ...none }));
}

/** Long enough for an engine that has just started to know its streams. */
const LOST_AFTER_MS = 15_000;

function otherCluster(directory: string, known: string, found: string): ClusterError {
  return new ClusterError(
    "TARPAN_OTHER_CLUSTER",
    `${directory} belongs to cluster ${known}, but the brokers found here are cluster ${found}: ` +
      "check the peers, or give this broker a data directory of its own",
  );
}

function metadataLost(clusterId: string): ClusterError {
  return new ClusterError(
    "TARPAN_METADATA_LOST",
    `the metadata of cluster ${clusterId} is not there any more: bring back the servers that ` +
      "held it; nothing is made anew in its place (docs/cluster.md, What fails how)",
  );
}

/** Says what is waited for, now and then. */
class Progress {
  readonly #parts: Parts;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  say(what: string, error: LogError): void {
    const { env, logger, onWaiting } = this.#parts;
    const nowMs = env.clock.monotonicMs();
    if (nowMs - this.#saidAtMs < PROGRESS_INTERVAL_MS) return;
    this.#saidAtMs = nowMs;
    const line = `waiting: ${what}: ${error.message}`;
    logger.info(line);
    onWaiting?.(line);
  }
}
