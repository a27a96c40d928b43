import type { FetchLimits } from "../consumer/fetch.ts";
import type { TopicPartition } from "../offsets.ts";
import type { Assignor } from "./assignors/assignor.ts";
import type { AssignorName } from "./assignors/index.ts";

type Listener = (partitions: readonly TopicPartition[]) => void | Promise<void>;

export interface GroupConsumerOptions extends Partial<FetchLimits> {
  readonly groupId: string;
  /** Static membership (KIP-345): a restart within the session time-out moves no partitions. */
  readonly groupInstanceId?: string | undefined;
  /** In order of preference; cooperative when all of them are. Default: cooperative-sticky. */
  readonly assignors?: readonly (AssignorName | Assignor)[];
  /** Silence after which the group goes on without this member, ms (45,000). */
  readonly sessionTimeoutMs?: number;
  /** Pause between two heartbeats, ms (3,000). */
  readonly heartbeatIntervalMs?: number;
  /** Longest time between two polls before this member makes way, ms (300,000). */
  readonly maxPollIntervalMs?: number;
  /** How often the leader looks for new partitions, ms (300,000). */
  readonly metadataMaxAgeMs?: number;
  /** Where to begin without a committed offset. `fail` rejects. Default: latest, as in Kafka. */
  readonly autoOffsetReset?: "earliest" | "latest" | "fail";
  /** Commit what was processed every `autoCommitIntervalMs` (5,000), on rebalance and on close. */
  readonly autoCommit?: boolean;
  readonly autoCommitIntervalMs?: number;
  /** Run inside poll; seek, pause and commit may be used in them. */
  readonly onAssigned?: Listener;
  readonly onRevoked?: Listener;
  /** Partitions that others may read already. Default: `onRevoked`. */
  readonly onLost?: Listener;
}
