import {
  type Checks,
  callback,
  checkOptions,
  eitherOf,
  flag,
  listOf,
  nonEmptyString,
  oneOf,
  shape,
} from "../checks/checks.ts";
import { timeoutMs } from "../checks/values.ts";
import type { TopicPartition } from "../connection/offsets.ts";
import { FETCH_OPTIONS, type FetchOptions } from "../consumer/fetch.ts";
import {
  HEARTBEAT_INTERVAL_MS,
  MAX_POLL_INTERVAL_MS,
  METADATA_MAX_AGE_MS,
  SESSION_TIMEOUT_MS,
} from "../limits.ts";
import type { Assignor } from "./assignors/assignor.ts";
import type { AssignorName } from "./assignors/index.ts";
import type { MembershipOptions } from "./membership.ts";

type Listener = (partitions: readonly TopicPartition[]) => void | Promise<void>;

export interface GroupConsumerOptions extends FetchOptions {
  readonly groupId: string;
  /** Static membership (KIP-345): a restart within the session time-out causes no rebalance. */
  readonly groupInstanceId?: string | undefined;
  /**
   * In order of preference. Rebalances are cooperative if all of them are. Default:
   * cooperative-sticky.
   */
  readonly assignors?: readonly (AssignorName | Assignor)[];
  /** Time without a heartbeat after which the group removes this member, ms. Default: 45,000. */
  readonly sessionTimeoutMs?: number;
  /** Time between two heartbeats, ms. Default: 3,000. */
  readonly heartbeatIntervalMs?: number;
  /** Longest time between two polls, ms; after it the member leaves. Default: 300,000. */
  readonly maxPollIntervalMs?: number;
  /** How often the group's leader checks for new partitions, ms. Default: 300,000. */
  readonly metadataMaxAgeMs?: number;
  /**
   * Where to start without a committed offset, or if it is not in the log any more. With `fail`
   * poll rejects. Default: latest, as in Kafka.
   */
  readonly autoOffsetReset?: "earliest" | "latest" | "fail";
  /**
   * Commit processed records every `autoCommitIntervalMs`, before a rebalance takes partitions
   * away, and on close. Default: true.
   */
  readonly autoCommit?: boolean;
  /** In ms. Default: 5,000. */
  readonly autoCommitIntervalMs?: number;
  /** Called inside poll with new partitions; may call seek, pause and commit. */
  readonly onAssigned?: Listener;
  /** Called inside poll, before partitions are given up; may call commit. */
  readonly onRevoked?: Listener;
  /**
   * Called inside poll with partitions that other members may read already. Default: `onRevoked`.
   */
  readonly onLost?: Listener;
}

const OPTIONS: Checks<GroupConsumerOptions> = {
  ...FETCH_OPTIONS,
  groupId: nonEmptyString,
  groupInstanceId: nonEmptyString,
  assignors: listOf(
    eitherOf(nonEmptyString, shape({ name: nonEmptyString, cooperative: flag, assign: callback })),
  ),
  sessionTimeoutMs: timeoutMs,
  heartbeatIntervalMs: timeoutMs,
  maxPollIntervalMs: timeoutMs,
  metadataMaxAgeMs: timeoutMs,
  autoOffsetReset: oneOf("earliest", "latest", "fail"),
  autoCommit: flag,
  autoCommitIntervalMs: timeoutMs,
  onAssigned: callback,
  onRevoked: callback,
  onLost: callback,
};

export function checkGroupConsumerOptions(options: GroupConsumerOptions): void {
  checkOptions("new GroupConsumer", options, OPTIONS, ["groupId"]);
}

export function fetchOptionsOf(options: GroupConsumerOptions): FetchOptions {
  const { maxWaitMs, minBytes, maxBytes, partitionBytes, isolationLevel } = options;
  return { maxWaitMs, minBytes, maxBytes, partitionBytes, isolationLevel };
}

export function membershipOptionsOf(
  options: GroupConsumerOptions,
  assignors: readonly Assignor[],
): MembershipOptions {
  return {
    groupInstanceId: options.groupInstanceId ?? null,
    assignors,
    sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS,
    maxPollIntervalMs: options.maxPollIntervalMs ?? MAX_POLL_INTERVAL_MS,
    metadataMaxAgeMs: options.metadataMaxAgeMs ?? METADATA_MAX_AGE_MS,
  };
}
