import { ErrorCode, type RecordInput } from "@tarpan/protocol";
import type { TopicConfig } from "../config/kafka/typed.ts";
import type { World } from "../coordinator/turn.ts";
import type { Timer } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { isDiskFull, isLogFailure, orKafkaError } from "../partition/log-failure.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { nextTurnOf } from "../util/next-turn.ts";
import { pause } from "../util/pause.ts";
import { BlockedMessages } from "./blocked-messages.ts";
import type { HeldCounts } from "./counts.ts";
import { recordsOf } from "./delivery-records.ts";
import { HeldLog, type HeldPartition } from "./held-log.ts";
import { type OpenDelivery, placeKey } from "./held-state.ts";
import { idHash } from "./id-hash.ts";
import { IgnoredResolutions } from "./ignored-resolutions.ts";
import { LONGEST_ALARM_MS, ROUND_MESSAGES, ROUND_WAIT_MS, SHORTEN_MIN_OFFSETS } from "./limits.ts";
import { type Plan, type PlannedDelivery, Planner } from "./planner.ts";
import { encodeHeldRecord, type HeldRecord, type TakenRef } from "./records.ts";
import type { HeldRules, MessageName, OutgoingRecord } from "./rules.ts";
import { type Deliver, DeliverySender, type Ending } from "./sender.ts";
import { Sequences } from "./sequences.ts";
import { Shortener } from "./shortener.ts";
import { TargetRetries } from "./target-retries.ts";
import type { NewTopic } from "./topic-creator.ts";
import { type Patience, untilPossible } from "./until-possible.ts";
import { type HeldFilter, type HeldMessage, listWaiting } from "./waiting-list.ts";
import type { TakenMessage, WaitingMessages } from "./waiting-messages.ts";

/** What an administrator does to a message. */
export type Change = "cancelled" | "committed" | "hurried";

/** The records of a delivery that this shard decides on. */
interface Outgoing {
  readonly producerId: number;
  readonly byOffset: ReadonlyMap<number, OutgoingRecord>;
}

interface Parts {
  /** Of the partition, for messages. */
  readonly name: string;
  readonly partition: HeldPartition;
  readonly rules: HeldRules;
  readonly counts: HeldCounts;
  readonly world: World;
  readonly logger: Logger;
  readonly topicConfig: (topic: string) => TopicConfig;
  /** Rejects with KafkaError. */
  readonly newProducerId: () => Promise<number>;
  /** Begins to create a topic for dead letters or checks. */
  readonly createTopic: (topic: NewTopic) => void;
  readonly deliver: Deliver;
  /** For tests: SHORTEN_MIN_OFFSETS. */
  readonly minOffsets?: number;
}

/**
 * One partition of a topic whose messages are held until their time, on the broker that leads it.
 *
 * A message is delivered in three steps, each of which follows from what the log says: a `delivery`
 * record decides where it goes, with a producer id and a sequence; the target appends it, once for
 * these; a `delivered` record ends that. Whoever leads the partition next goes on where the log
 * says, so a crash or a take-over between any two steps neither loses nor doubles a message.
 *
 * Invariants:
 * 1. Rounds run one after another. What a round took is delivered, waits for its place, or is put
 *    back.
 * 2. Each open delivery is being sent exactly once by this shard.
 * 3. A failed append ends the shard: the runtime loads the partition anew. If the disk is full,
 *    nothing was appended, and it is tried again.
 */
export class HeldShard {
  readonly #parts: Parts;
  readonly #sender: DeliverySender;
  readonly #sequences: Sequences;
  readonly #closing = new AbortController();
  readonly #patience: Patience;
  /** What the deliveries of a round consist of, until they are decided. By `placeKey`. */
  readonly #outgoing = new Map<string, Outgoing>();
  /** By `placeKey`. */
  readonly #sending = new Map<string, Promise<void>>();
  #log!: HeldLog;
  #blocked!: BlockedMessages;
  #planner!: Planner;
  #shortener!: Shortener;
  #isRunning = false;
  #isForgetting = false;
  readonly #retries: TargetRetries;
  readonly #ignored: IgnoredResolutions;
  #alarm: Timer | null = null;
  #alarmMs = Number.POSITIVE_INFINITY;
  #closed: KafkaError | null = null;

  private constructor(parts: Parts) {
    const { name, world, logger, deliver, newProducerId } = parts;
    this.#parts = parts;
    const { env, image } = world;
    this.#patience = { env, logger, closing: this.#signal };
    this.#retries = new TargetRetries(env.clock, logger);
    this.#ignored = new IgnoredResolutions(env.clock, logger, name);
    this.#sequences = new Sequences(() => {
      return untilPossible(newProducerId, (error) => error instanceof KafkaError, this.#patience);
    });
    this.#sender = new DeliverySender({ ...this.#patience, image, deliver });
  }

  /** Replays the partition, and goes on with what was begun. Rejects with the log's error. */
  static async load(parts: Parts): Promise<HeldShard> {
    const shard = new HeldShard(parts);
    await shard.#load();
    return shard;
  }

  async #load(): Promise<void> {
    const { partition, rules, counts, world, logger, topicConfig, createTopic } = this.#parts;
    const { minOffsets = SHORTEN_MIN_OFFSETS } = this.#parts;
    const { env, image, jumps } = world;
    const { clock } = env;
    this.#log = await HeldLog.load({
      ...{ partition, rules, counts },
      nextTurn: nextTurnOf(env.timers),
      patience: this.#patience,
      onApplied: () => this.#goOn(),
      onFailure: (error) => this.#fail(error),
      onUnreadable: (offset, error) => {
        logger.error(`records of held messages at offset ${offset} can't be read`, { error });
      },
    });
    this.#blocked = new BlockedMessages(this.#log.state.waiting);
    const isBusy = (place: string) => this.#isBusy(place);
    const { log } = partition;
    this.#planner = new Planner({
      ...{ log, rules, image, topicConfig, isBusy, createTopic, clock, jumps },
      nextTurn: nextTurnOf(env.timers),
    });
    this.#log.state.onMoved = (from, to) => this.#planner.moved(from, to);
    this.#shortener = new Shortener({ partition, rules, log: this.#log, clock, minOffsets });
    this.#goOn();
  }

  /** Whether it has to be loaded anew. */
  get failed(): boolean {
    return this.#closed !== null;
  }

  get waitingCount(): number {
    return this.#log.state.waiting.count;
  }

  /** Rejects with KafkaError. */
  list(filter: HeldFilter): Promise<HeldMessage[]> {
    const { partition, rules, world } = this.#parts;
    const { waiting } = this.#log.state;
    const nextTurn = nextTurnOf(world.env.timers);
    return orKafkaError(listWaiting(waiting, partition.log, rules, filter, nextTurn));
  }

  /**
   * Cancels, commits or hurries a message. Resolves when that is durable; to false if no such
   * message waits here, or it is on its way already. Rejects with KafkaError.
   */
  async change(kind: Change, name: MessageName): Promise<boolean> {
    const { waiting, inTime } = this.#log.state;
    for (;;) {
      this.#parts.rules.hashName(name);
      const entry = waiting.find(idHash);
      if (entry < 0) return false;
      const ref = refOf(waiting, waiting.at(entry));
      if (inTime.delete(await this.#appendChange({ kind, ...ref }))) return true;
      // It is gone, or it waits under another offset: it was moved or replaced meanwhile.
    }
  }

  async #appendChange(record: HeldRecord): Promise<number> {
    const nowMs = this.#parts.world.env.clock.wallMs();
    try {
      return await this.#log.append([recordOf(record, nowMs)]);
    } catch (error) {
      if (!isDiskFull(error)) this.#fail(error);
      throw this.#closed ?? new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, null, { cause: error });
    }
  }

  close(errorCode: number, cause?: unknown): void {
    const why = cause instanceof Error ? cause.message : "the coordinator has closed";
    this.#closed ??= new KafkaError(errorCode, why, { cause });
    this.#alarm?.cancel();
    this.#closing.abort(this.#closed);
    this.#log.close(this.#closed);
  }

  get #signal(): AbortSignal {
    return this.#closing.signal;
  }

  #fail(error: unknown): void {
    if (this.#closed !== null) return;
    const { world } = this.#parts;
    if (!isLogFailure(error) && !(error instanceof KafkaError)) world.reportBug(error);
    this.close(ErrorCode.NOT_COORDINATOR, error);
    world.onFailure();
  }

  /** Runs `task`; its error ends the shard, unless it comes from there. */
  #run(task: () => Promise<void>): Promise<void> {
    return task().catch((error: unknown) => this.#fail(error));
  }

  /** After a change of the state, or when a message is due. */
  #goOn(): void {
    if (this.#closed !== null || this.#shortener === undefined) return;
    for (const [place, delivery] of this.#log.state.open) {
      if (!this.#sending.has(place)) this.#beginSending(place, delivery);
    }
    if (this.#log.state.toForget.size > 0 && !this.#isForgetting) {
      void this.#run(() => this.#forget());
    }
    if (!this.#isRunning) void this.#run(() => this.#rounds());
    this.#ignored.tell(this.#log.state);
  }

  async #rounds(): Promise<void> {
    const { clock, timers } = this.#parts.world.env;
    const nextTurn = nextTurnOf(timers);
    const { waiting } = this.#log.state;
    this.#isRunning = true;
    try {
      for (;;) {
        this.#unblockIdle();
        const due = waiting.takeDue(clock.wallMs(), ROUND_MESSAGES);
        if (this.#closed !== null || (due.length === 0 && !this.#shortener.isDue)) break;
        if (due.length > 0) await this.#round(due);
        if (this.#shortener.isDue) await this.#shortener.step();
        await nextTurn();
      }
    } finally {
      this.#isRunning = false;
    }
    this.#setAlarm();
  }

  async #round(due: readonly TakenMessage[]): Promise<void> {
    const nowMs = this.#parts.world.env.clock.wallMs();
    const plan = await this.#planner.plan(due, nowMs);
    for (const [place, messages] of plan.blocked) this.#blocked.add(place, messages);
    if (plan.later.length > 0) this.#putBack(plan.later, nowMs + this.#retries.delayMs(plan));
    this.#putBack(plan.rest);
    if (plan.deliveries.length > 0) await this.#decide(plan.deliveries, nowMs);
  }

  async #decide(planned: Plan["deliveries"], nowMs: number): Promise<void> {
    const records: RecordInput[] = [];
    for (const delivery of planned) {
      const place = placeKey(delivery);
      const { messages } = delivery;
      const numbers = await this.#sequences.next(place, messages.length);
      const byOffset = new Map(messages.map((one) => [one.offset, one.record]));
      this.#outgoing.set(place, { producerId: numbers.producerId, byOffset });
      records.push(recordOf(this.#deliveryRecord(delivery, numbers, nowMs), nowMs));
    }
    await this.#log.appendWhenPossible(records);
    this.#outgoing.clear();
    const sent: Promise<void>[] = [];
    for (const delivery of planned) {
      const place = placeKey(delivery);
      // Those that were cancelled, replaced or moved meanwhile were not taken.
      const sending = this.#sending.get(place);
      if (sending !== undefined) sent.push(sending);
      this.#putBack(delivery.messages);
    }
    const { timers } = this.#parts.world.env;
    await Promise.race([Promise.all(sent), pause(timers, ROUND_WAIT_MS, this.#signal)]);
  }

  #deliveryRecord(
    { topicId, partition, reason, isCheck, messages }: PlannedDelivery,
    numbers: { producerId: number; firstSequence: number },
    timestampMs: number,
  ): HeldRecord {
    const { waiting } = this.#log.state;
    const refs = messages.map((message) => refOf(waiting, message));
    const place = { topicId, partition };
    const how = { timestampMs, reason, isCheck };
    return { kind: "delivery", ...place, ...numbers, ...how, messages: refs };
  }

  #beginSending(place: string, delivery: OpenDelivery): void {
    const sending = this.#run(() => this.#send(place, delivery)).finally(() => {
      this.#sending.delete(place);
      this.#goOn();
    });
    this.#sending.set(place, sending);
  }

  async #send(place: string, delivery: OpenDelivery): Promise<void> {
    const own = this.#outgoing.get(place);
    // One by the leader before may have come into the log just before this shard's.
    const isNew = own?.producerId === delivery.producerId;
    if (isNew) this.#sequences.use(place, delivery.messages.length);
    const { partition, rules } = this.#parts;
    const records = isNew
      ? delivery.messages.map(({ offset }) => own.byOffset.get(offset)!)
      : await recordsOf(delivery, partition.log, rules);
    const ending = await this.#sender.send(delivery, records, isNew);
    await this.#end(place, delivery, ending);
  }

  async #end(place: string, delivery: OpenDelivery, ending: Ending): Promise<void> {
    const { topicId, partition, producerId, firstSequence } = delivery;
    const nowMs = this.#parts.world.env.clock.wallMs();
    if (ending.kind === "delivered") this.#planner.delivered(delivery);
    else {
      await this.#sequences.renew(place);
      if (ending.refusal !== null) this.#planner.refused(delivery, ending.refusal, nowMs);
    }
    const name = { topicId, partition, producerId, firstSequence };
    const nextMs = delivery.isCheck ? this.#parts.rules.checks!.nextMs(nowMs) : 0;
    const { kind } = ending;
    const record = kind === "delivered" ? { kind, ...name, nextMs } : { kind, ...name };
    await this.#log.appendWhenPossible([recordOf(record, nowMs)]);
  }

  #isBusy(place: string): boolean {
    return this.#log.state.open.has(place) || this.#sending.has(place);
  }

  /**
   * A delivery may have ended while a round was planned, and what was put back for its place may
   * have been resolved or cancelled since.
   */
  #unblockIdle(): void {
    for (const place of this.#blocked.places) {
      if (!this.#isBusy(place)) this.#putBack(this.#blocked.takeNext(place));
    }
  }

  /** Without a time they are due when they were, so before all that is due later. */
  #putBack(messages: readonly TakenMessage[], timeMs?: number): void {
    const { waiting } = this.#log.state;
    for (const message of messages) {
      const { entry } = message;
      if (waiting.waits(message)) waiting.putBack(entry, timeMs ?? waiting.timeOf(entry));
    }
  }

  /** See HeldState.toForget. */
  async #forget(): Promise<void> {
    const { toForget } = this.#log.state;
    this.#isForgetting = true;
    while (toForget.size > 0) {
      const nowMs = this.#parts.world.env.clock.wallMs();
      const refs = [...toForget.values()];
      const records = refs.map((ref) => recordOf({ kind: "forgotten", ...ref }, nowMs));
      await this.#log.appendWhenPossible(records);
    }
    this.#isForgetting = false;
  }

  #setAlarm(): void {
    const { clock, timers } = this.#parts.world.env;
    const isLong = this.#shortener.isLong;
    const dueMs = this.#log.state.waiting.nextMs ?? (isLong ? Number.POSITIVE_INFINITY : null);
    if (dueMs === null || this.#closed !== null) return;
    const delayMs = Math.min(Math.max(0, dueMs - clock.wallMs()), LONGEST_ALARM_MS);
    const alarmMs = clock.monotonicMs() + delayMs;
    if (alarmMs >= this.#alarmMs) return;
    this.#alarm?.cancel();
    this.#alarmMs = alarmMs;
    this.#alarm = timers.after(delayMs, () => {
      this.#alarmMs = Number.POSITIVE_INFINITY;
      this.#goOn();
    });
  }
}

function refOf(waiting: WaitingMessages, { entry, offset, progress }: TakenMessage): TakenRef {
  return { offset, word0: waiting.wordOf(entry, 0), word1: waiting.wordOf(entry, 1), progress };
}

function recordOf(record: HeldRecord, timestamp: number): RecordInput {
  return { ...encodeHeldRecord(record), timestamp };
}
