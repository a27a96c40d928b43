import { errorOf } from "@tarpan/protocol";
import { expect, onTestFinished } from "vitest";
import type { Address } from "./client-broker.ts";
import { GroupMember, type MemberEvent, type MemberProgram } from "./group-member.ts";
import {
  committedOffsets,
  expectConsistentLog,
  expectSingleOwners,
  groupLog,
  withReconnect,
} from "./group-observer.ts";
import { RawConnection } from "./raw-connection.ts";
import { createTopic, fetch, produce, textBatch } from "./records.ts";

const PARTITIONS = 6;
const RECORDS_PER_BATCH = 3;
const PRODUCE_PAUSE_MS = 15;
const OBSERVE_PAUSE_MS = 40;
const CHECK_PAUSE_MS = 20;
const STAGE_LIMIT_MS = 60_000;
/** So many records of each partition show that the group consumes again. */
const PROGRESS = 10;

/**
 * A group that consumes while records are produced, members come and go, and the broker restarts.
 * At the end it checks:
 *
 * 1. Some member has consumed every record; while a member owns a partition, it skips no record.
 * 2. Committed offsets never go back, and include every acknowledged commit.
 * 3. No partition has two owners in one generation, in the members' events or the broker's records.
 */
export class GroupRun {
  readonly #broker: Address;
  readonly #topic: string;
  readonly groupId: string;
  readonly #members: GroupMember[] = [];
  readonly #consumed = Array.from({ length: PARTITIONS }, () => new Set<number>());
  readonly #acknowledged: number[] = Array(PARTITIONS).fill(-1);
  #committed: readonly number[] = Array(PARTITIONS).fill(-1);
  readonly #background: Promise<void>[] = [];
  /** Problems found during the run, which continues so that the end can report all of them. */
  readonly #wrongs: string[] = [];
  #producing = true;
  #over = false;

  readonly #offsetsMayGoBack: boolean;
  readonly #leavingDropsOne: boolean;
  readonly #buffersThroughRejoins: boolean;

  constructor(
    broker: Address,
    name: string,
    { offsetsMayGoBack = false, leavingDropsOne = false, buffersThroughRejoins = false } = {},
  ) {
    this.#offsetsMayGoBack = offsetsMayGoBack;
    this.#leavingDropsOne = leavingDropsOne;
    this.#buffersThroughRejoins = buffersThroughRejoins;
    this.#broker = broker;
    this.#topic = `topic-of-${name}`;
    this.groupId = `group-of-${name}`;
  }

  /** The members are ended after the calling test. */
  static ofTest(broker: Address, name: string): GroupRun {
    const run = new GroupRun(broker, name);
    onTestFinished(() => run.killAll());
    return run;
  }

  get topic(): string {
    return this.#topic;
  }

  get running(): readonly GroupMember[] {
    return this.#members.filter((member) => member.running);
  }

  /** Creates the topic, begins to produce and to watch the committed offsets. */
  async begin(): Promise<void> {
    const connection = await RawConnection.open(this.#broker.port);
    await createTopic(connection, this.#topic, { partitions: PARTITIONS });
    connection.close();
    const ended = () => this.#over;
    this.#background.push(
      withReconnect(
        this.#broker,
        () => !this.#producing,
        (each) => this.#produce(each),
      ),
      withReconnect(this.#broker, ended, (each) => this.#observe(each)),
    );
  }

  /** Processes of the same name are the same static member. */
  add(program: MemberProgram, name = `member ${this.#members.length + 1}`): GroupMember {
    const member = new GroupMember(name, program, (event) => this.#take(event));
    this.#members.push(member);
    return member;
  }

  /** Ends all processes. */
  async killAll(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.kill9()));
  }

  /** Resolves when `count` members run, own all partitions, and each owns at least one. */
  shared(count: number): Promise<void> {
    return this.until(`${count} members share the partitions`, () => {
      const owned = this.running.map((member) => member.owned);
      const all = owned.flat();
      return (
        owned.length === count &&
        owned.every((each) => each.length > 0) &&
        all.length === PARTITIONS &&
        new Set(all).size === PARTITIONS
      );
    });
  }

  /** Resolves when more records of each partition have been consumed. */
  progress(): Promise<void> {
    const goals = this.#consumed.map(({ size }) => size + PROGRESS);
    return this.until("every partition is consumed further", () =>
      this.#consumed.every(({ size }, partition) => size >= goals[partition]!),
    );
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    const limitMs = Date.now() + STAGE_LIMIT_MS;
    while (!isSo()) {
      if (Date.now() > limitMs) throw new Error(`not within the limit: ${what}\n${this.#state()}`);
      await new Promise((resolve) => setTimeout(resolve, CHECK_PAUSE_MS));
    }
  }

  /**
   * Stops producing, waits until all records are consumed and committed, and runs the checks.
   */
  async finish(): Promise<void> {
    this.#producing = false;
    await this.#background[0];
    const connection = await RawConnection.open(this.#broker.port);
    const ends = await this.#ends(connection);
    const isCommitted = (end: number, partition: number) =>
      this.#committed[partition] === end || this.#offsetsMayGoBack;
    await this.until(
      `everything up to ${ends} is consumed and committed`,
      () => ends.every(isCommitted) && this.#missed(ends).length === 0,
    );
    for (const member of this.running) await member.leave();
    this.#over = true;
    await Promise.all(this.#background);
    expect(this.#wrongs).toEqual([]);
    for (const member of this.#members) {
      const others = this.#members.filter(({ name }) => name !== member.name);
      expectNoGaps(member, this.#buffersThroughRejoins ? recordsOf(others) : new Set());
    }
    this.#expectOneOwner();
    const mayGoBack = { offsetsMayGoBack: this.#offsetsMayGoBack };
    expectConsistentLog(await groupLog(connection), this.groupId, mayGoBack);
    connection.close();
  }

  #take(event: MemberEvent): void {
    if (event.event === "records") {
      for (const offset of event.offsets) this.#consumed[event.partition]!.add(offset);
    } else if (event.event === "committed") {
      for (const [partition, offset] of Object.entries(event.offsets)) {
        const index = Number(partition);
        this.#acknowledged[index] = Math.max(this.#acknowledged[index]!, offset);
      }
    }
  }

  async #produce(connection: RawConnection): Promise<void> {
    for (let partition = 0; partition < PARTITIONS && this.#producing; partition++) {
      const batch = textBatch(...Array<string>(RECORDS_PER_BATCH).fill("a record"));
      const { errorCode } = await produce(connection, this.#topic, batch, { partition });
      // A broker that starts or stops may refuse.
      expect(errorOf(errorCode).retriable || errorCode === 0, `Produce: ${errorCode}`).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, PRODUCE_PAUSE_MS));
    }
  }

  async #observe(connection: RawConnection): Promise<void> {
    const told = [...this.#acknowledged];
    const offsets = await committedOffsets(connection, this.groupId, this.#topic, PARTITIONS);
    if (offsets !== null) {
      for (const [partition, offset] of offsets.entries()) {
        const before = Math.max(this.#committed[partition]!, told[partition]!);
        if (offset < before && !this.#offsetsMayGoBack) {
          this.#wrongs.push(`the offset of partition ${partition}: ${offset} after ${before}`);
        }
      }
      this.#committed = offsets;
    }
    await new Promise((resolve) => setTimeout(resolve, OBSERVE_PAUSE_MS));
  }

  async #ends(connection: RawConnection): Promise<number[]> {
    const ends: number[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const options = { partition, maxWaitMs: 0 };
      ends.push((await fetch(connection, this.#topic, 0, options)).highWatermark);
    }
    return ends;
  }

  /** Records that no member has reported, except those that leaving members dropped. */
  #missed(ends: readonly number[]): string[] {
    const missed = ends.flatMap((end, partition) =>
      Array.from({ length: end }, (_, offset) => offset)
        .filter((offset) => !this.#consumed[partition]!.has(offset))
        .map((offset) => `${partition}:${offset}`),
    );
    if (!this.#leavingDropsOne) return missed;
    const droppers = this.#members.filter((member) => member.askedToLeave);
    return missed.filter((record) => {
      const dropper = droppers.findIndex((member) => nextOf(member).has(record));
      if (dropper >= 0) droppers.splice(dropper, 1);
      return dropper < 0;
    });
  }

  #expectOneOwner(): void {
    const byGeneration = new Map<number, Map<string, Set<string>>>();
    for (const member of this.#members) {
      for (const event of member.events) {
        if (event.event !== "owns" || event.generation === null) continue;
        const owners = byGeneration.get(event.generation) ?? new Map<string, Set<string>>();
        byGeneration.set(event.generation, owners);
        const owned = owners.get(member.name) ?? new Set();
        owners.set(member.name, owned);
        for (const partition of event.partitions) owned.add(String(partition));
      }
    }
    for (const [generation, owners] of byGeneration) {
      const lists = [...owners.values()].map((owned) => [...owned]);
      expectSingleOwners(`generation ${generation}`, lists);
    }
  }

  #state(): string {
    const counts = this.#consumed.map(({ size }) => size);
    const ends = this.#consumed.map((offsets) => Math.max(-1, ...offsets) + 1);
    return [
      `consumed ${counts}, committed ${this.#committed}`,
      `left out (partition:offset): ${this.#missed(ends)}`,
      ...this.#wrongs,
      ...this.#members.map((member) => member.describe()),
    ].join("\n");
  }
}

/** In each partition the record after the last that the member reported, as `partition:offset`. */
function nextOf(member: GroupMember): Set<string> {
  const next = new Map<number, number>();
  for (const event of member.events) {
    if (event.event === "records") next.set(event.partition, event.offsets.at(-1)! + 1);
  }
  return new Set([...next].map((record) => record.join(":")));
}

function recordsOf(members: readonly GroupMember[]): Set<string> {
  const records = new Set<string>();
  for (const event of members.flatMap((member) => member.events)) {
    if (event.event !== "records") continue;
    for (const offset of event.offsets) records.add(`${event.partition}:${offset}`);
  }
  return records;
}

/**
 * Until its assignment changes, a member may read records again but must skip none, except those in
 * `elsewhere`.
 */
function expectNoGaps(member: GroupMember, elsewhere: ReadonlySet<string>): void {
  let next = new Map<number, number>();
  for (const event of member.events) {
    if (event.event === "owns") next = new Map();
    if (event.event !== "records") continue;
    for (const offset of event.offsets) {
      for (let skipped = next.get(event.partition) ?? offset; skipped < offset; skipped++) {
        const record = `${event.partition}:${skipped}`;
        expect(elsewhere, `${member.name} left out ${record}`).toContain(record);
      }
      next.set(event.partition, offset + 1);
    }
  }
}
