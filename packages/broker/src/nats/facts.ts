import type { NatsConnection } from "@nats-io/transport-node";
import type { EngineAdmin } from "./admin.ts";
import { LEAST_MAX_PAYLOAD_BYTES } from "./limits.ts";
import { versionIn, versionProblem } from "./version.ts";

/** What `/cluster/status` tells an operator about the engine. */
export interface EngineFacts {
  /** The version of the server that the broker is connected to; empty if it is not known. */
  readonly version: string;
  /** Servers in the JetStream cluster: no topic can have more replicas. Null if not known. */
  readonly replicasMax: number | null;
  /** `always`, or the time between two syncs (`1000ms`). */
  readonly syncInterval: string | "unverified";
  readonly maxPayloadBytes: number;
  /** One line each. */
  readonly problems: readonly string[];
  /** Null for an external engine. */
  readonly security: SecurityFacts | null;
}

/** What protects the connections between nats-servers, and whom it kept out. */
export interface SecurityFacts {
  readonly tls: boolean;
  readonly password: boolean;
  /** Ms since the epoch; null without a certificate. */
  readonly certificateExpiresMs: number | null;
  /** The first of the authorities that are trusted. */
  readonly authorityExpiresMs: number | null;
  /** How often new files of the certificate could not be used. */
  readonly reloadFailures: number;
  /** Connections since the broker started. */
  readonly refusedByThis: number;
  readonly refusedByOthers: number;
  /** What was refused lately and why, one line each. */
  readonly refusals: readonly string[];
}

/** Never rejects: what the servers don't answer is null or "unverified". */
export async function readEngineFacts(
  nc: NatsConnection,
  admin: EngineAdmin | null,
): Promise<Omit<EngineFacts, "security">> {
  const version = versionIn(nc.info?.version ?? "") ?? "";
  const maxPayloadBytes = nc.info?.max_payload ?? 0;
  const [peers, syncInterval] = await Promise.all([
    admin?.metaPeers().catch(() => null),
    admin?.syncInterval().catch(() => null),
  ]);
  const problems: string[] = [];
  const old = version === "" ? null : versionProblem(version, true);
  if (old !== null) problems.push(old);
  if (maxPayloadBytes < LEAST_MAX_PAYLOAD_BYTES)
    problems.push(
      `max_payload of NATS is ${maxPayloadBytes} bytes: larger batches are refused; ` +
        "set it to 8MB in nats-server's configuration",
    );
  if (admin === null)
    problems.push(
      "how the NATS servers sync can't be verified: if records must survive a power failure, " +
        'set "sync_interval: always" in their configuration',
    );
  return {
    version,
    replicasMax: peers?.length ?? null,
    syncInterval: syncInterval ?? "unverified",
    maxPayloadBytes,
    problems,
  };
}
