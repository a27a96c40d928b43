import { ErrorCode } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { type Coming, overWithin } from "../util/coming.ts";
import { TAKE_OVER_WAIT_MS } from "./limits.ts";
import type { Partitions } from "./partitions.ts";

/** What a partition is refused for that may pass in a moment. */
const PASSING: readonly number[] = [
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
];

/** The part of a broker that knows what it leads. */
interface Leading {
  readonly metadata: Pick<Metadata, "unseen">;
  readonly partitions: Pick<Partitions, "takeOver">;
}

interface Waiting extends Leading {
  readonly partitions: Pick<Partitions, "takeOver" | "find">;
  readonly env: Pick<Env, "clock" | "timers">;
}

/** A partition as a client asks for it. */
export interface Asked {
  readonly topic: string;
  readonly partition: number;
  /** What the client takes for its leader epoch; -1 when it does not say. */
  readonly leaderEpoch: number;
}

/**
 * What a request has to wait for. A refusal need not be the last word: this broker is taking the
 * partition over, or the controller has decided something that has not been read here yet. A client
 * that has heard of it from another broker is not to be sent away by the one it was sent to.
 */
export class Patience {
  readonly #broker: Leading;
  /** The controller is asked once for a request. */
  #unseen: Coming | null | undefined;

  constructor(broker: Leading) {
    this.#broker = broker;
  }

  /** Null when the refusal stands. */
  comingOf(topic: string | null, index: number, errorCode: ErrorCode): Coming | null {
    if (!PASSING.includes(errorCode)) return null;
    const takeOver = topic === null ? null : this.#broker.partitions.takeOver(topic, index);
    return takeOver ?? this.unseen();
  }

  /**
   * What the controller had decided when the first refusal was looked at; null when that is read.
   */
  unseen(): Coming | null {
    if (this.#unseen === undefined) this.#unseen = this.#broker.metadata.unseen();
    return this.#unseen?.isOver === false ? this.#unseen : null;
  }
}

/** Waits, for a moment at most, until all is read that the controller has decided. */
export async function untilSeen(broker: Waiting): Promise<void> {
  const patience = new Patience(broker);
  await untilNull(() => patience.unseen(), TAKE_OVER_WAIT_MS, broker.env);
}

/** Waits, for a moment at most, while what would be refused may be led here soon. */
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
  const untilMs = env.clock.monotonicMs() + limitMs;
  for (let coming = next(); coming !== null; coming = next()) {
    const leftMs = untilMs - env.clock.monotonicMs();
    if (leftMs <= 0 || !(await overWithin(coming, leftMs, env.timers))) return;
  }
}
