import type { AnyApi, Api, ErrorCode, Fields, Input, Output, Range } from "@tarpan/protocol";
import type { AuditLog } from "../audit/audit-log.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { DelayedMessages } from "../delayed/delayed-messages.ts";
import type { Env } from "../env/env.ts";
import type { FetchSessions } from "../fetch/fetch-sessions.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { HalfMessages } from "../half-messages/half-messages.ts";
import type { ReplicaStates } from "../log/replication.ts";
import type { LogLevels } from "../logging/log-levels.ts";
import type { Logger } from "../logging/logger.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { FetchWaits } from "../metrics/fetch-waits.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { Followers } from "../partition/readable-partition.ts";
import type { ClientLimits } from "../quotas/client-limits.ts";
import type {
  ClientQuotaManager,
  Mutations,
  TakenMutations,
} from "../quotas/client-quota-manager.ts";
import type { Authorizer } from "../security/authorizer.ts";
import type { Permission } from "../security/permission.ts";
import type { ConnectionInfo, Lane } from "../server/router.ts";
import type { TransactionCoordinator } from "../transactions/transaction-coordinator.ts";

/** The parts of the broker that handlers use; made once by the composition root. */
export interface Services {
  readonly env: Env;
  readonly settings: BrokerSettings;
  readonly logger: Logger;
  /** Of this broker's loggers. */
  readonly logLevels: LogLevels;
  readonly metadata: Metadata;
  readonly partitions: Partitions;
  readonly fetchSessions: FetchSessions;
  readonly fetchWaits: FetchWaits;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly delayed: DelayedMessages;
  readonly halfMessages: HalfMessages;
  readonly authorizer: Authorizer;
  readonly audit: AuditLog;
  readonly quotas: ClientQuotaManager;
  /** Asks whoever measures `controller_mutation_rate`. Never rejects. */
  readonly takeMutations: (asked: Mutations) => Promise<TakenMutations>;
  /** See ClusterAccess.states; left out when this broker leads every replica. */
  readonly replicaStates?: () => Promise<readonly ReplicaStates[]>;
  /** Left out when this broker is alone and follows no other. */
  readonly followers?: Followers;
  /** Aborts when the broker is told to stop, so that long polls do not hold it up. */
  readonly stopping: AbortSignal;
}

export interface RequestContext {
  readonly services: Services;
  readonly connection: ConnectionInfo;
  readonly version: number;
  readonly clientId: string | null;
  /** Null while no client has a quota. */
  readonly limits: ClientLimits | null;
}

/** Serves one API. ApiVersions is derived from the list of handlers. */
export interface Handler {
  readonly api: AnyApi;
  /** The versions served, within the schema's. */
  readonly versions: Range;
  /** See PendingRequest.lane. */
  readonly lane: Lane | null;
  /** A client needs all of these. Empty: every client that reaches the broker may ask. */
  readonly authorize: readonly Permission<unknown>[];
  /** Returns the response; undefined when the client expects none (acks=0). */
  handle(request: unknown, context: RequestContext): Body | undefined | Promise<Body | undefined>;
  /** The response with this error for every part of the request. Must not throw. */
  failure(request: unknown, errorCode: number, context: RequestContext): Body;
}

/** A response as its API's codec takes it; `handler` checks the type of each. */
export type Body = Readonly<Record<string, unknown>>;

type Answer<S extends Fields> = Input<S> | undefined;

/** The parts of a handler, with the types of request and response from the API's schema. */
export interface HandlerSpec<Q extends Fields, S extends Fields> {
  readonly api: Api<Q, S>;
  readonly versions: Range;
  /** Default null: the request waits for the requests before it on its connection. */
  readonly lane?: Lane;
  readonly authorize: readonly Permission<Output<Q>>[];
  readonly handle: (request: Output<Q>, context: RequestContext) => Answer<S> | Promise<Answer<S>>;
  readonly failure: (request: Output<Q>, errorCode: ErrorCode, context: RequestContext) => Input<S>;
}

export function handler<Q extends Fields, S extends Fields>(spec: HandlerSpec<Q, S>): Handler {
  return { lane: null, ...spec } as Handler;
}

/**
 * Thrown by a handler to close the connection in place of an answer (acks=0 with an error).
 */
export class CloseConnection extends Error {
  override readonly name = "CloseConnection";
}
