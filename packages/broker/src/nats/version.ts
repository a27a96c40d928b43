import { EngineError } from "./engine-error.ts";

/** The first version that fences Raft proposals by term (nats-server's pull request 8370). */
const WANTED = "2.14.4";
/** Replicas of earlier versions are known to lose acknowledged messages. */
const FLOOR = "2.12.8";
/** Earlier versions refuse `sync_interval` as an unknown field. */
const SYNC_INTERVAL_SINCE = "2.10.0";

export const WANTED_VERSION = WANTED;

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
  if (isAtLeast(version, WANTED)) return null;
  const upgrade = `upgrade to ${WANTED} or newer`;
  if (isAtLeast(version, FLOOR))
    return `nats-server ${version} does not fence proposals of a deposed leader: ${upgrade}`;
  if (allowOld) return `nats-server ${version} is known to lose acknowledged records: ${upgrade}`;
  throw new EngineError(
    "TARPAN_NATS_SERVER_TOO_OLD",
    `nats-server ${version} is known to lose acknowledged records: ${upgrade}, ` +
      "or accept that with --allow-old-engine",
  );
}
