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
import { ClientError } from "../errors.ts";
import type { Assignor } from "./assignors/assignor.ts";
import type { AssignorName } from "./assignors/index.ts";

type Listener = (partitions: readonly TopicPartition[]) => void | Promise<void>;

export interface GroupConsumerOptions extends FetchOptions {
  readonly groupId: string;
  /**
   * Kafka's group.protocol. With `classic` (default) a member assigns the partitions; with
   * `consumer` (KIP-848) the coordinator does, and members keep what stays with them. A group moves
   * from one to the other while members of both are in it. `consumer` needs brokers with
   * group.version 1: Kafka from 4.0 on, or Tarpan.
   */
  readonly groupProtocol?: "classic" | "consumer";
  /** Static membership (KIP-345): a restart within the session time-out causes no rebalance. */
  readonly groupInstanceId?: string | undefined;
  /**
   * In order of preference. Rebalances are cooperative if all of them are. Default:
   * cooperative-sticky. Only with the classic protocol.
   */
  readonly assignors?: readonly (AssignorName | Assignor)[];
  /**
   * Kafka's group.remote.assignor: the assignor that the coordinator should use, `uniform` or
   * `range` of those that come with brokers. Default: the one that most members name, else the
   * broker's first. Only with the consumer protocol.
   */
  readonly groupRemoteAssignor?: string;
  /**
   * Time without a heartbeat after which the group removes this member, ms. Default: 45,000. Only
   * with the classic protocol.
   */
  readonly sessionTimeoutMs?: number;
  /** Time between two heartbeats, ms. Default: 3,000. Only with the classic protocol. */
  readonly heartbeatIntervalMs?: number;
  /** Longest time between two polls, ms; after it the member leaves. Default: 300,000. */
  readonly maxPollIntervalMs?: number;
  /**
   * How often the group's leader checks for new partitions, ms. Default: 300,000. Only with the
   * classic protocol.
   */
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
  groupProtocol: oneOf("classic", "consumer"),
  groupInstanceId: nonEmptyString,
  groupRemoteAssignor: nonEmptyString,
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

type OptionName = keyof GroupConsumerOptions;

/** The options without a meaning in a protocol, and why. */
const MEANINGLESS: Readonly<Record<string, readonly (readonly [OptionName, string])[]>> = {
  classic: [["groupRemoteAssignor", "the group's leader assigns the partitions, with `assignors`"]],
  consumer: [
    [
      "assignors",
      "the coordinator assigns the partitions: name its assignor in groupRemoteAssignor",
    ],
    ["sessionTimeoutMs", "it is a config of the group: consumer.session.timeout.ms"],
    ["heartbeatIntervalMs", "it is a config of the group: consumer.heartbeat.interval.ms"],
    ["metadataMaxAgeMs", "the coordinator notices new partitions"],
  ],
};

/** Throws TARPAN_BAD_OPTION. */
export function checkGroupConsumerOptions(options: GroupConsumerOptions): void {
  checkOptions("new GroupConsumer", options, OPTIONS, ["groupId"]);
  const { groupProtocol = "classic" } = options;
  for (const [name, reason] of MEANINGLESS[groupProtocol]!)
    if (options[name] !== undefined)
      throw new ClientError(
        "TARPAN_BAD_OPTION",
        `new GroupConsumer: ${name} can't be set with groupProtocol ${groupProtocol}: ${reason}`,
      );
}

export function fetchOptionsOf(options: GroupConsumerOptions): FetchOptions {
  const { maxWaitMs, minBytes, maxBytes, partitionBytes, isolationLevel } = options;
  return { maxWaitMs, minBytes, maxBytes, partitionBytes, isolationLevel };
}
