import type { GroupRecord } from "@tarpan/protocol";
import type { BrokerConfig } from "../config/kafka/typed.ts";
import type { Random } from "../env/env.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { GroupLog } from "./group-log.ts";
import type { GroupState } from "./machine.ts";

/** The world as an operation sees it: values, read once. */
export interface GroupContext {
  /** Monotonic clock, ms: sessions, time-outs, deadlines. */
  readonly nowMs: number;
  /** Wall clock, ms since the epoch: timestamps and retention of offsets. */
  readonly wallMs: number;
  readonly image: MetadataImage;
  readonly config: BrokerConfig;
  readonly random: Random;
  readonly log: GroupLog;
}

/**
 * What an operation decided. Records are appended together and applied; replies are sent after
 * that, in order, so no answer rests on what a crash could take back.
 */
export class Effects {
  readonly records: GroupRecord[] = [];
  readonly replies: (() => void)[] = [];

  reply<T>(reply: Reply<T>, answer: T): void {
    this.replies.push(() => reply(answer));
  }
}

export type Reply<T> = (answer: T) => void;

/**
 * One step of the coordinator: reads state, may change soft state (deadlines, who waits for what),
 * pushes records and replies. Hard state changes in `apply` only. Nothing is awaited. `reply` is
 * used exactly once, now or by a later step.
 */
export type Operation<T> = (
  state: GroupState,
  context: GroupContext,
  effects: Effects,
  reply: Reply<T>,
) => void;

/** A step that nobody asked for: a deadline, a change of the metadata. */
export type Step = (state: GroupState, context: GroupContext, effects: Effects) => void;
