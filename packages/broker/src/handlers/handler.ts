import type { Api, Fields, Input, Output, Range } from "@tarpan/protocol";
import type { Env } from "../env.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { ConnectionInfo } from "../server/router.ts";
import type { BrokerSettings } from "../settings.ts";

/** What every handler works with: one broker's parts, made once by the composition root. */
export interface Broker {
  readonly env: Env;
  readonly settings: BrokerSettings;
  readonly metadata: Metadata;
  readonly partitions: Partitions;
}

export interface RequestContext {
  readonly broker: Broker;
  readonly connection: ConnectionInfo;
  readonly version: number;
  readonly clientId: string | null;
}

/** One API as it is served. ApiVersions is derived from the list of these. */
export interface Handler {
  readonly api: Api;
  /** The versions advertised, within the schema's. */
  readonly versions: Range;
  /** See PendingRequest.pipelined. */
  readonly pipelined: boolean;
  /** Undefined as the response means that the client expects none (acks=0). */
  run(request: unknown, context: RequestContext): unknown;
}

type Answer<S extends Fields> = Input<S> | undefined;

export function handler<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  versions: Range,
  run: (request: Output<Q>, context: RequestContext) => Answer<S> | Promise<Answer<S>>,
  { pipelined = false } = {},
): Handler {
  return { api: api as unknown as Api, versions, pipelined, run: run as Handler["run"] };
}
