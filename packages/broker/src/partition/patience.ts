import { ErrorCode } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { type Coming, overWithin } from "../util/coming.ts";
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
export interface Asked {
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
export class Patience {
  readonly #broker: Leading;
  /** The controller is asked once per request. */
  #unseen: Coming | null | undefined;

  constructor(broker: Leading) {
    this.#broker = broker;
  }

  /** Null when the refusal is final. */
  comingOf(topic: string | null, index: number, errorCode: ErrorCode): Coming | null {
    if (!PASSING.includes(errorCode)) return null;
    const takeOver = topic === null ? null : this.#broker.partitions.takeOver(topic, index);
    return takeOver ?? this.unseen();
  }

  /**
   * The controller's decisions at the time of the first call; null once this broker has read them.
   */
  unseen(): Coming | null {
    if (this.#unseen === undefined) this.#unseen = this.#broker.metadata.unseen();
    return this.#unseen?.isOver === false ? this.#unseen : null;
  }
}

/** Waits until this broker has read all decisions of the controller, at most TAKE_OVER_WAIT_MS. */
export async function untilSeen(broker: Waiting): Promise<void> {
  const patience = new Patience(broker);
  await untilNull(() => patience.unseen(), TAKE_OVER_WAIT_MS, broker.env);
}

/** Waits while partitions that would be refused may be led here soon, at most TAKE_OVER_WAIT_MS. */
export async function untilLed(
  broker: Waiting,
  asked: readonly Asked[],
  timeoutMs = TAKE_OVER_WAIT_MS,
): Promise<void> {
  const patience = new Patience(broker);
  const comingFor = ({ topic, partition, leaderEpoch }: Asked) => {
    const found = broker.partitions.find(topic, partition);
    if (typeof found === "number") return patience.comingOf(topic, partition, found);
    if (leaderEpoch <= found.leaderEpoch) return null;
    return patience.comingOf(topic, partition, ErrorCode.UNKNOWN_LEADER_EPOCH);
  };
  const first = () => {
    for (const one of asked) {
      const coming = comingFor(one);
      if (coming !== null) return coming;
    }
    return null;
  };
  await untilNull(first, Math.min(timeoutMs, TAKE_OVER_WAIT_MS), broker.env);
}

async function untilNull(next: () => Coming | null, limitMs: number, env: Waiting["env"]) {
  const deadlineMs = env.clock.monotonicMs() + limitMs;
  for (let coming = next(); coming !== null; coming = next()) {
    const leftMs = deadlineMs - env.clock.monotonicMs();
    if (leftMs <= 0 || !(await overWithin(coming, leftMs, env.timers))) return;
  }
}
