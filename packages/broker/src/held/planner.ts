import { murmur2 } from "@tarpan/codecs";
import type { TopicConfig } from "../config/kafka/typed.ts";
import type { Clock } from "../env/env.ts";
import type { ReadableLog } from "../log/log.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { ClockJumps } from "../util/clock-jumps.ts";
import type { NextTurn } from "../util/next-turn.ts";
import { readRecords, type StoredRecord } from "./held-records.ts";
import { placeKey } from "./held-state.ts";
import {
  DELIVERY_BYTES,
  MISSING_TARGET_MS,
  PLANNED_AT_A_TIME,
  RECORD_OVERHEAD_BYTES,
  ROUND_BYTES,
} from "./limits.ts";
import { COMMITTED, checksOf } from "./progress.ts";
import type { Delivery } from "./records.ts";
import { Refusals } from "./refusals.ts";
import type { HeldRules, OutgoingRecord, Wanted } from "./rules.ts";
import type { NewTopic } from "./topic-creator.ts";
import type { TakenMessage } from "./waiting-messages.ts";

interface Parts {
  readonly log: Pick<ReadableLog, "read" | "endOffset">;
  readonly rules: HeldRules;
  readonly image: () => MetadataImage;
  readonly topicConfig: (topic: string) => TopicConfig;
  /** Whether a delivery to this partition is under way. */
  readonly isBusy: (placeKey: string) => boolean;
  /** Begins to create a topic for dead letters or checks. */
  readonly createTopic: (topic: NewTopic) => void;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly jumps: Pick<ClockJumps, "lastMs">;
  readonly nextTurn: NextTurn;
}

export interface PlannedMessage extends TakenMessage {
  readonly record: OutgoingRecord;
}

/** What all messages of a delivery have in common. */
type Kind = Pick<Delivery, "topicId" | "partition" | "reason" | "isCheck">;

/** Messages for one partition that are delivered together. */
export interface PlannedDelivery extends Kind {
  readonly messages: PlannedMessage[];
  sizeBytes: number;
  readonly limitBytes: number;
}

export interface Plan {
  readonly deliveries: readonly PlannedDelivery[];
  /** Their partition is busy: due again when it is not. By `placeKey`. */
  readonly blocked: ReadonlyMap<string, readonly TakenMessage[]>;
  /** They can't be delivered now, and are looked at again: see TARGET_RETRY_MS. */
  readonly later: readonly TakenMessage[];
  /** Why the first of them can't be, for the operator. */
  readonly laterReason: string | null;
  /** They were not looked at. */
  readonly rest: readonly TakenMessage[];
}

/** Reads what messages want whose time has come, and puts those for one partition together. */
export class Planner {
  readonly #parts: Parts;
  readonly #refusals = new Refusals();
  /** Monotonic, ms. */
  readonly #startedMs: number;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#startedMs = parts.clock.monotonicMs();
  }

  /** A message has another offset now. */
  moved(from: number, to: number): void {
    this.#refusals.moved(from, to);
  }

  /** A delivery was refused, and would be refused again. */
  refused(delivery: Delivery, refusal: string, nowMs: number): void {
    this.#refusals.add(delivery, refusal, nowMs);
  }

  delivered(delivery: Delivery): void {
    this.#refusals.forget(delivery);
  }

  /** `due` is in the order in which the messages are due. */
  async plan(due: readonly TakenMessage[], nowMs: number): Promise<Plan> {
    const { log, isBusy, nextTurn } = this.#parts;
    const byOffset = due.map((message, at) => ({ message, at }));
    byOffset.sort((a, b) => a.message.offset - b.message.offset);
    const read: { readonly at: number; readonly next: Next }[] = [];
    let sizeBytes = 0;
    for await (const stored of readRecords(
      log,
      byOffset.map(({ message }) => message.offset),
    )) {
      const { message, at } = byOffset[read.length]!;
      const next = this.#nextOf(stored, message);
      read.push({ at, next });
      sizeBytes += sizeOf(next.wanted.record);
      if (read.length % PLANNED_AT_A_TIME === 0) await nextTurn();
      if (sizeBytes >= ROUND_BYTES) break;
    }
    const rest = byOffset.slice(read.length).map(({ message }) => message);
    const building = new Building(isBusy);
    for (const { at, next } of read.sort((a, b) => a.at - b.at)) {
      const message = due[at]!;
      const target = this.#targetOf(next, message, nowMs);
      if (typeof target === "string") building.wait(message, target);
      else building.add(message, target);
    }
    return building.plan(rest);
  }

  #nextOf(stored: StoredRecord, { progress }: TakenMessage): Next {
    const { rules } = this.#parts;
    const { checks } = rules;
    const isWanted = checks === null || progress === COMMITTED;
    const sent = checksOf(progress);
    if (!isWanted && progress >= 0 && !checks.isOver(sent)) {
      const check = checks.check(stored, sent);
      return { wanted: check, check: checks.newTopic(check.topic), rolledBack: null };
    }
    const rolledBack = isWanted ? null : checks.rollBackReason(sent);
    return { wanted: rules.read(stored), check: null, rolledBack };
  }

  /** Why there is none now, if there is none. */
  #targetOf(next: Next, message: TakenMessage, nowMs: number): Target | string {
    const { wanted, check, rolledBack } = next;
    const { offset } = message;
    const stuckBy = this.#refusals.stuckBy(message, nowMs);
    if (check !== null) return this.#checkTarget(wanted, check, message, stuckBy);
    if (stuckBy !== undefined) return `its topic of dead letters, which refuses it: ${stuckBy}`;
    const known = rolledBack ?? this.#refusals.of(offset);
    if (known !== undefined) return this.#deadLetter(wanted, offset, known);
    const target = this.#resolve(wanted, offset, PLAIN);
    if (typeof target !== "string") return target;
    const isOver = target !== MISSING || this.#waitedMs(wanted, offset, nowMs) >= MISSING_TARGET_MS;
    return isOver ? this.#deadLetter(wanted, offset, target) : `${wanted.topic}: ${target}`;
  }

  /** A message that can't be asked for waits: it is not rolled back for that. */
  #checkTarget(
    wanted: Wanted,
    topic: NewTopic,
    { offset }: TakenMessage,
    stuckBy: string | undefined,
  ): Target | string {
    if (stuckBy !== undefined) return `${topic.name}, which refuses its check: ${stuckBy}`;
    const target = this.#resolve(wanted, offset, CHECK);
    if (target === MISSING) this.#parts.createTopic(topic);
    return typeof target === "string"
      ? `${topic.name}, the topic of its checks: ${target}`
      : target;
  }

  /** How long the message waits for its target; from the start when the wall clock has jumped. */
  #waitedMs({ dueMs }: Wanted, offset: number, nowMs: number): number {
    const { clock, jumps } = this.#parts;
    const monotonicMs = clock.monotonicMs();
    if (dueMs === null) return monotonicMs - this.#refusals.missingSince(offset, monotonicMs);
    return Math.min(nowMs - Math.max(dueMs, jumps.lastMs()), monotonicMs - this.#startedMs);
  }

  #deadLetter(wanted: Wanted, offset: number, reason: string): Target | string {
    const letter = this.#parts.rules.deadLetter(wanted, offset, reason);
    const target = this.#resolve(letter, offset, { reason, isCheck: false });
    if (target === MISSING) this.#parts.createTopic({ name: letter.topic, for: "dead letters" });
    if (typeof target !== "string") return target;
    return `its dead letter (${reason}) for ${letter.topic}: ${target}`;
  }

  /**
   * The partition, or why there is none. The reason says nothing of the message itself: letters
   * with the same reason are delivered together.
   */
  #resolve(
    { topic, partition, turn, record }: Wanted,
    offset: number,
    kind: Pick<Kind, "reason" | "isCheck">,
  ): Target | string {
    const found = this.#parts.image().topics.get(topic);
    if (found === undefined) return MISSING;
    const count = found.partitions.length;
    const chosen = turn === undefined ? partition : turn % count;
    const index = chosen ?? partitionOf(record.key, offset, count);
    if (index >= count) return `${topic} has ${count} partitions, not this one`;
    const { maxMessageBytes } = this.#parts.topicConfig(topic);
    const sizeBytes = sizeOf(record);
    if (sizeBytes > maxMessageBytes) {
      return `the record exceeds the ${maxMessageBytes} of max.message.bytes of ${topic}`;
    }
    const isAlone = this.#refusals.isSuspect(offset);
    const limitBytes = isAlone ? 0 : Math.min(DELIVERY_BYTES, maxMessageBytes);
    return { topicId: found.id, partition: index, ...kind, record, sizeBytes, limitBytes };
  }
}

/** What is to be done with a message. */
interface Next {
  readonly wanted: Wanted;
  /** The topic that it is delivered to if it is a check. */
  readonly check: NewTopic | null;
  /** Why it becomes a dead letter instead. */
  readonly rolledBack: string | null;
}

const PLAIN = { reason: null, isCheck: false };
const CHECK = { reason: null, isCheck: true };

const MISSING = "the target topic does not exist";

/** As Kafka's clients choose it; without a key any partition will do. */
function partitionOf(key: Uint8Array | null, offset: number, count: number): number {
  return key === null ? offset % count : (murmur2(key) & 0x7fffffff) % count;
}

interface Target extends Kind {
  readonly record: OutgoingRecord;
  readonly sizeBytes: number;
  /** For all records of a delivery, unless it is the only one: 0 for one that goes alone. */
  readonly limitBytes: number;
}

class Building {
  readonly #later: TakenMessage[] = [];
  #laterReason: string | null = null;
  readonly #isBusy: Parts["isBusy"];
  readonly #deliveries = new Map<string, PlannedDelivery>();
  readonly #blocked = new Map<string, TakenMessage[]>();

  constructor(isBusy: Parts["isBusy"]) {
    this.#isBusy = isBusy;
  }

  add(message: TakenMessage, target: Target): void {
    const key = placeKey(target);
    const { topicId, partition, reason, isCheck, record, sizeBytes, limitBytes } = target;
    let delivery = this.#deliveries.get(key);
    const fits =
      delivery === undefined ||
      (delivery.reason === reason &&
        delivery.isCheck === isCheck &&
        delivery.sizeBytes + sizeBytes <= Math.min(limitBytes, delivery.limitBytes));
    // Behind one that waits no other may be delivered: it was due earlier.
    if (!fits || this.#blocked.has(key) || this.#isBusy(key)) {
      const blocked = this.#blocked.get(key);
      if (blocked === undefined) this.#blocked.set(key, [message]);
      else blocked.push(message);
      return;
    }
    if (delivery === undefined) {
      const kind = { topicId, partition, reason, isCheck };
      delivery = { ...kind, limitBytes, messages: [], sizeBytes: RECORD_OVERHEAD_BYTES };
      this.#deliveries.set(key, delivery);
    }
    delivery.messages.push({ ...message, record });
    delivery.sizeBytes += sizeBytes;
  }

  wait(message: TakenMessage, reason: string): void {
    this.#later.push(message);
    this.#laterReason ??= reason;
  }

  plan(rest: readonly TakenMessage[]): Plan {
    const deliveries = [...this.#deliveries.values()];
    const later = { later: this.#later, laterReason: this.#laterReason };
    return { deliveries, blocked: this.#blocked, ...later, rest };
  }
}

/** At most the bytes that the record takes in a batch of its own. */
function sizeOf({ key, value, headers = [] }: OutgoingRecord): number {
  let sizeBytes = RECORD_OVERHEAD_BYTES + (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
  for (const header of headers) {
    sizeBytes += withLength(Buffer.byteLength(header.key));
    sizeBytes += withLength(header.value?.byteLength ?? 0);
  }
  return sizeBytes;
}

/** Lengths are varints. There may be many short headers. */
function withLength(bytes: number): number {
  if (bytes < 64) return bytes + 1;
  return bytes + (bytes < 8_192 ? 2 : 5);
}
