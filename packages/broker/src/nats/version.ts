import { EngineError } from "./engine-error.ts";

/** What the tests run on, and what operators are told to install. */
export const RECOMMENDED_VERSION = "2.14.10";
/** Replicas of earlier versions are known to lose acknowledged messages. */
const FLOOR = "2.12.8";
/** Earlier versions do not fence Raft proposals by term (nats-server's pull request 8370). */
const FENCES_SINCE = "2.14.4";
/** Earlier versions, and 2.15.0, do not sync what trimming a stream rewrites (8456, 8475, 8629). */
const SYNCS_TRIMS_SINCE = "2.14.8";
/** Earlier versions refuse `sync_interval` as an unknown field. */
const SYNC_INTERVAL_SINCE = "2.10.0";

/** Finds the version in `nats-server: v2.14.5` or `2.14.5-RC.1`; null if there is none. */
export function versionIn(text: string): string | null {
  return /\bv?(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? null;
}

export function isAtLeast(version: string, least: string): boolean {
  const [own, other] = [version, least].map((text) => text.split(".").map(Number));
  for (let i = 0; i < 3; i++) if (own![i] !== other![i]) return (own![i] ?? 0) > (other![i] ?? 0);
  return true;
}

export function knowsSyncInterval(version: string): boolean {
  return isAtLeast(version, SYNC_INTERVAL_SINCE);
}

/**
 * Null for a version that is safe, else a warning. Throws EngineError TARPAN_NATS_SERVER_TOO_OLD
 * for a version that loses records, unless `allowOld`.
 */
export function versionProblem(version: string, allowOld: boolean): string | null {
  const upgrade = `upgrade to ${version === "2.15.0" ? "2.15.1 or newer" : RECOMMENDED_VERSION}`;
  if (!isAtLeast(version, FLOOR)) {
    const problem = `nats-server ${version} is known to lose acknowledged records: ${upgrade}`;
    if (allowOld) return problem;
    throw new EngineError(
      "TARPAN_NATS_SERVER_TOO_OLD",
      `${problem}, or accept that with --allow-old-engine`,
    );
  }
  if (!isAtLeast(version, FENCES_SINCE))
    return `nats-server ${version} does not fence proposals of a deposed leader: ${upgrade}`;
  if (isAtLeast(version, SYNCS_TRIMS_SINCE) && version !== "2.15.0") return null;
  return (
    `nats-server ${version} does not sync what it rewrites when a stream is trimmed, so a power ` +
    `failure may lose acknowledged records: ${upgrade}`
  );
}
