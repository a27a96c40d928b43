import { ErrorCode } from "@tarpan/protocol";
import type { Env, Timers } from "../env/env.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { TAKE_OVER_WAIT_MS } from "./limits.ts";
import type { Partitions } from "./partitions.ts";

/** Something that is about to change what a client would be told. */
export interface Coming {
  readonly isOver: boolean;
  /**
   * Calls `wake` once, after those who asked before: when it is over, or sooner, where it is worth
   * looking whether that matters any more.
   */
  onOver(wake: () => void): void;
}

/** One that whoever brings it about ends. Those who wait are told at once, in their order. */
export class Occasion implements Coming {
  readonly #waiting: (() => void)[] = [];
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  onOver(wake: () => void): void {
    if (this.#isOver) wake();
    else this.#waiting.push(wake);
  }

  end(): void {
    this.#isOver = true;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Whether `wake` is called before `limitMs` have passed. */
export function overWithin(coming: Coming, limitMs: number, timers: Timers): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = timers.after(limitMs, () => resolve(false));
    coming.onOver(() => {
      timer.cancel();
      resolve(true);
    });
  });
}

/** The answer, or what has to come first. */
export type Attempt<T> = (isLast: boolean) => T | Promise<T> | Coming;

/**
 * Has `attempt` made whenever something is over that it said it waits for, in the order of asking, and
 * a last time after `limitMs`: then it must do without.
 */
export function attemptWhen<T extends object>(
  coming: Coming,
  limitMs: number,
  timers: Timers,
  attempt: Attempt<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isDone = false;
    const make = (isLast: boolean) => {
      if (isDone) return;
      try {
        const made = attempt(isLast);
        if ("onOver" in made) return made.onOver(() => make(false));
        resolve(made);
      } catch (error) {
        reject(error);
      }
      isDone = true;
      timer.cancel();
    };
    const timer = timers.after(limitMs, () => make(true));
    coming.onOver(() => make(false));
  });
}

/** What a partition is refused for that may pass in a moment. */
const PASSING: readonly number[] = [
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
];

/** The part of a broker that knows what it leads. */
interface Leading {
  readonly metadata: Metadata;
  readonly partitions: Partitions;
}

interface Waiting extends Leading {
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
  comingOf(topic: string | null, index: number, errorCode: number): Coming | null {
    if (!PASSING.includes(errorCode)) return null;
    const takeOver = topic === null ? null : this.#broker.partitions.takeOver(topic, index);
    return takeOver ?? this.unseen();
  }

  /** What the controller had decided when the first refusal was looked at; null when that is read. */
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
