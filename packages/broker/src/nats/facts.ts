import type { NatsConnection } from "@nats-io/transport-node";
import type { EngineAdmin } from "./admin.ts";
import { LEAST_MAX_PAYLOAD_BYTES } from "./limits.ts";
import { versionIn, versionProblem } from "./version.ts";

/** What an operator should know of the engine; for `/cluster/status`. */
export interface EngineFacts {
  /** Of the server that the broker is connected to; empty before the first connection. */
  readonly version: string;
  /** Servers in the JetStream cluster: no topic can have more replicas. Null: not to be known. */
  readonly replicasMax: number | null;
  /** `always`, or the time between two syncs (`1000ms`). */
  readonly syncInterval: string | "unverified";
  readonly maxPayloadBytes: number;
  /** One line each. */
  readonly problems: readonly string[];
}

/** Never rejects: what can't be asked now is unverified. */
export async function engineFacts(
  nc: NatsConnection,
  admin: EngineAdmin | null,
): Promise<EngineFacts> {
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
      "how the NATS servers sync can't be verified; for records that survive a power failure " +
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
