import { ErrorCode } from "@tarpan/protocol";
import type { Env, Timers } from "../env.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { TAKE_OVER_WAIT_MS } from "./limits.ts";
import type { Partitions } from "./partitions.ts";

/** Something that is about to change what a client would be told. */
export interface Coming {
  readonly isOver: boolean;
  /** Calls `wake` once it is over, after those who asked before. */
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

/** Whether it is over before `limitMs` have passed. */
export function overWithin(coming: Coming, limitMs: number, timers: Timers): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = timers.after(limitMs, () => resolve(false));
    coming.onOver(() => {
      timer.cancel();
      resolve(true);
    });
  });
}

/**
 * Has `attempt` made whenever something is over that it said it waits for, in the order of asking, and
 * a last time after `limitMs`: then it must do without.
 */
export function attemptWhen<T extends object>(
  coming: Coming,
  limitMs: number,
  timers: Timers,
  attempt: (isLast: boolean) => T | Promise<T> | Coming,
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

/** A partition as a client asks for it. */
export interface Asked {
  readonly topic: string;
  readonly partition: number;
  /** What the client takes for its leader epoch; -1 when it does not say. */
  readonly leaderEpoch: number;
}

/**
 * Why a refusal need not be the last word: this broker is taking the partition over, or a controller
 * has decided something that has not been read here yet. A client that has heard of it from another
 * broker is not to be sent away by the one it was sent to. Null when the refusal stands.
 */
export function comingOf(
  { metadata, partitions }: Leading,
  topic: string | null,
  index: number,
  errorCode: number,
): Coming | null {
  if (!PASSING.includes(errorCode) || metadata.isolated) return null;
  const takeOver = topic === null ? null : partitions.takeOver(topic, index);
  return takeOver ?? metadata.unseen();
}

/** Waits, for a moment at most, to read what a controller has decided: to be used where it may matter. */
export async function untilSeen({ metadata, env }: Parameters<typeof untilLed>[0]): Promise<void> {
  const unseen = metadata.isolated ? null : metadata.unseen();
  if (unseen !== null) await overWithin(unseen, TAKE_OVER_WAIT_MS, env.timers);
}

/** Waits, for a moment at most, while what would be refused may be led here soon. */
export async function untilLed(
  broker: Leading & { readonly env: Pick<Env, "clock" | "timers"> },
  asked: readonly Asked[],
  timeoutMs = TAKE_OVER_WAIT_MS,
): Promise<void> {
  const { clock, timers } = broker.env;
  let limitMs = Math.min(timeoutMs, TAKE_OVER_WAIT_MS);
  for (const one of asked) {
    for (;;) {
      const coming = comingFor(broker, one);
      if (coming === null) break;
      const sinceMs = clock.monotonicMs();
      // One limit for all: they come together.
      if (!(await overWithin(coming, limitMs, timers))) return;
      limitMs -= clock.monotonicMs() - sinceMs;
    }
  }
}

function comingFor(broker: Leading, { topic, partition, leaderEpoch }: Asked): Coming | null {
  const found = broker.partitions.find(topic, partition);
  if (typeof found === "number") return comingOf(broker, topic, partition, found);
  if (leaderEpoch <= found.leaderEpoch) return null;
  return comingOf(broker, topic, partition, ErrorCode.UNKNOWN_LEADER_EPOCH);
}
