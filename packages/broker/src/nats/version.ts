import { EngineError } from "./engine-error.ts";

/** From here on Raft proposals are fenced by term: nats-server's pull request 8370. */
const WANTED = "2.14.4";
/** Before it, replicas are known to lose or forget what was acknowledged. */
const FLOOR = "2.12.8";
/** `sync_interval` came with it: an unknown field before. */
const SYNC_INTERVAL_SINCE = "2.10.0";

export const WANTED_VERSION = WANTED;

/** `nats-server: v2.14.5` and `2.14.5-RC.1` alike; null when there is no version in it. */
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
 * Null for a version that is safe, a warning for one that will do. Throws
 * TARPAN_NATS_SERVER_TOO_OLD for one that is not safe, unless `allowOld`.
 */
export function versionProblem(version: string, allowOld: boolean): string | null {
  if (isAtLeast(version, WANTED)) return null;
  const upgrade = `upgrade to ${WANTED} or newer`;
  if (isAtLeast(version, FLOOR))
    return `nats-server ${version} does not fence proposals of a deposed leader; ${upgrade}`;
  if (allowOld) return `nats-server ${version} is known to lose acknowledged records; ${upgrade}`;
  throw new EngineError(
    "TARPAN_NATS_SERVER_TOO_OLD",
    `nats-server ${version} is known to lose acknowledged records: ${upgrade}, ` +
      "or accept that with --allow-old-engine",
  );
}
