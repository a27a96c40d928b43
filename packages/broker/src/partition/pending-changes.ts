import { ErrorCode } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { openWithin, type PendingLatch } from "../util/latch.ts";
import { TAKE_OVER_WAIT_MS } from "./limits.ts";
import type { Partitions } from "./partitions.ts";

/** Refusals of a partition that may be outdated in a moment. */
const PASSING: readonly number[] = [
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
];

/** The part of a broker that knows which partitions it leads. */
interface Leading {
  readonly metadata: Pick<Metadata, "unseen">;
  readonly partitions: Pick<Partitions, "takeOver">;
}

interface Waiting extends Leading {
  readonly partitions: Pick<Partitions, "takeOver" | "find">;
  readonly env: Pick<Env, "clock" | "timers">;
}

/** A partition in a client's request. */
export interface RequestedPartition {
  readonly topic: string;
  readonly partition: number;
  /** The leader epoch that the client knows; -1 for none. */
  readonly leaderEpoch: number;
}

/**
 * What a request should wait for before a partition is refused: this broker may be taking it over,
 * or may not have read the controller's latest decision yet. A client that another broker sent here
 * should not be refused only because this broker is a moment behind.
 */
export class PendingChanges {
  readonly #broker: Leading;
  /** The controller is asked once per request. */
  #unseen: PendingLatch | null | undefined;

  constructor(broker: Leading) {
    this.#broker = broker;
  }

  /** Null when the refusal is final. */
  latchFor(topic: string | null, index: number, errorCode: ErrorCode): PendingLatch | null {
    if (!PASSING.includes(errorCode)) return null;
    const takeOver = topic === null ? null : this.#broker.partitions.takeOver(topic, index);
    return takeOver ?? this.unseen();
  }

  /**
   * The controller's decisions at the time of the first call; null once this broker has read them.
   */
  unseen(): PendingLatch | null {
    if (this.#unseen === undefined) this.#unseen = this.#broker.metadata.unseen();
    return this.#unseen?.isOpen === false ? this.#unseen : null;
  }
}

/** Waits until this broker has read all decisions of the controller, at most TAKE_OVER_WAIT_MS. */
export async function waitUntilMetadataRead(broker: Waiting): Promise<void> {
  const pending = new PendingChanges(broker);
  await untilNull(() => pending.unseen(), TAKE_OVER_WAIT_MS, broker.env);
}

/** Waits while partitions that would be refused may be led here soon, at most TAKE_OVER_WAIT_MS. */
export async function waitUntilLed(
  broker: Waiting,
  asked: readonly RequestedPartition[],
  timeoutMs = TAKE_OVER_WAIT_MS,
): Promise<void> {
  const pending = new PendingChanges(broker);
  const latchFor = ({ topic, partition, leaderEpoch }: RequestedPartition) => {
    const found = broker.partitions.find(topic, partition);
    if (typeof found === "number") return pending.latchFor(topic, partition, found);
    if (leaderEpoch <= found.leaderEpoch) return null;
    return pending.latchFor(topic, partition, ErrorCode.UNKNOWN_LEADER_EPOCH);
  };
  const first = () => {
    for (const one of asked) {
      const latch = latchFor(one);
      if (latch !== null) return latch;
    }
    return null;
  };
  await untilNull(first, Math.min(timeoutMs, TAKE_OVER_WAIT_MS), broker.env);
}

async function untilNull(next: () => PendingLatch | null, limitMs: number, env: Waiting["env"]) {
  const deadlineMs = env.clock.monotonicMs() + limitMs;
  for (let latch = next(); latch !== null; latch = next()) {
    const leftMs = deadlineMs - env.clock.monotonicMs();
    if (leftMs <= 0 || !(await openWithin(latch, leftMs, env.timers))) return;
  }
}
