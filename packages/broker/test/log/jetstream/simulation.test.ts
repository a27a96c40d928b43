// Two brokers that may both believe that they lead, one follower, compaction, and random faults.
import { decodeBatch, decodeBatches } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { hasRecords } from "../../../src/log/has-records.ts";
import type { JetStreamEngine } from "../../../src/log/jetstream/engine.ts";
import type { ReadableLog } from "../../../src/log/log.ts";
import { LogError } from "../../../src/log/log-error.ts";
import type { FollowerLog, LeaderLog } from "../../../src/log/replication.ts";
import { SeededRandom, seedOf } from "../../env/seeded-random.ts";
import { OPTIONS as BASE, baseOffsetOf, batchOf, nextOffsetOf } from "../batches.ts";
import { compact } from "../compaction.ts";
import type { Fate } from "./model-jetstream.ts";
import { ID, STREAM, World } from "./world.ts";

const RUNS = Number(process.env.TARPAN_RUNS ?? 60);
const LIMIT_MS = 30_000 + RUNS * 500;
const STEPS = 120;
/** Small segments, because the newest one is not compacted. */
const OPTIONS = { ...BASE, segmentBytes: 400 };
/** Few, so that many batches are superseded. */
const KEYS = 12;

interface History {
  /** Offset of each acknowledged batch, by its id. */
  readonly acknowledged: Map<number, number>;
  /** The id of the batch that was read at each offset, by any broker. */
  readonly read: Map<number, number>;
  readonly sent: { id: number; by: number; count: number }[];
}

class Simulation {
  readonly world: World;
  readonly random: SeededRandom;
  readonly engines: JetStreamEngine[];
  readonly history: History = { acknowledged: new Map(), read: new Map(), sent: [] };
  readonly led: LeaderLog[] = [];
  readonly problems: unknown[] = [];
  readonly doing = new Map<Promise<unknown>, string>();
  readonly compacting = new Set<LeaderLog>();
  follower: FollowerLog | null = null;
  runs = 0;
  epoch = 0;
  nextId = 0;

  constructor(seed: number) {
    this.world = new World({ seed, latencyMs: 1 + (seed % 20) });
    this.random = new SeededRandom(seed ^ 0x5eed);
    this.engines = [this.world.engine(), this.world.engine()];
    const { model } = this.world;
    const badness = this.random.next() * 0.1;
    const fates: Fate[] = ["lost", "acknowledgement lost", "hangs uncommitted"];
    model.fateOf = () => (this.random.chance(badness) ? this.random.pick(fates) : "fine");
    model.lag = () => (this.random.chance(0.3) ? this.random.below(5) : 0);
    model.isSilent = () => this.random.chance(badness);
  }

  /** Starts an action in the background. It may fail with a LogError, unless that is `corrupt`. */
  begin(what: string, work: Promise<unknown>): void {
    const done = work
      .catch((error: unknown) => {
        if (!(error instanceof LogError) || error.kind === "corrupt") this.problems.push(error);
      })
      .finally(() => this.doing.delete(done));
    this.doing.set(done, what);
  }

  step(): void {
    const roll = this.random.next();
    if (roll < 0.5) for (let i = this.random.below(6); i >= 0; i--) this.append();
    else if (roll < 0.54) this.takeOver();
    else if (roll < 0.58) this.elect();
    else if (roll < 0.74) this.readSome();
    else if (roll < 0.77) this.trim();
    else if (roll < 0.81) this.checkpoint();
    else if (roll < 0.85) this.follow();
    else if (roll < 0.88) this.follower?.refresh(this.led.at(-1)?.endOffset);
    else if (roll < 0.91) this.confirm();
    else this.compact();
  }

  /** Also a log that another broker leads by now. */
  compact(): void {
    const log = this.random.chance(0.7) ? this.led.at(-1) : this.random.pick(this.led);
    if (!log || this.compacting.has(log)) return;
    this.compacting.add(log);
    const slots = this.random.pick([6, 1000]);
    const compacting = log.compactor!.measure(0, 0).then((dirt) => dirt && compact(log, { slots }));
    this.begin(
      "compact",
      compacting
        .then((result) => {
          if (result !== null) this.runs += 1;
        })
        .finally(() => this.compacting.delete(log)),
    );
  }

  /** A confirmed leader must have every acknowledged batch, whoever wrote it. */
  confirm(): void {
    const log = this.random.pick(this.led);
    if (!log) return;
    const known = Math.max(-1, ...this.history.acknowledged.values());
    const confirmed = log.confirm!().then(() => expect(log.endOffset).toBeGreaterThan(known));
    this.begin("confirm", confirmed);
  }

  append(): void {
    const log = this.random.chance(0.8) ? this.led.at(-1) : this.random.pick(this.led);
    if (!log) return;
    const id = this.nextId++;
    const count = 1 + this.random.below(3);
    this.history.sent.push({ id, by: this.led.indexOf(log), count });
    const batch = batchOf(id % KEYS, { count, timestamp: id });
    this.begin(
      `append ${id}`,
      log.append(batch, log.leaderEpoch).then((offset) => {
        expect(this.history.acknowledged.has(id)).toBe(false);
        this.history.acknowledged.set(id, offset);
      }),
    );
  }

  takeOver(): void {
    const leaderEpoch = this.epoch++;
    const engine = this.random.pick(this.engines);
    this.begin(
      `lead ${leaderEpoch}`,
      engine.replication.lead(ID, { ...OPTIONS, leaderEpoch }).then((log) => this.led.push(log)),
    );
    // Most brokers learn in time that they no longer lead; some do not.
    const former = this.led.at(-1);
    if (former && this.random.chance(0.6))
      this.begin(`close ${former.leaderEpoch}`, former.close());
  }

  elect(): void {
    const { model, stream } = this.world;
    const kept = this.random.below(stream.proposals.length + 1);
    model.elect(stream, this.random.below(this.random.chance(0.1) ? 8000 : 500), kept);
  }

  readSome(): void {
    const log: ReadableLog | undefined = this.random.chance(0.5)
      ? (this.follower ?? this.led.at(-1))
      : this.led.at(-1);
    if (!log || log.endOffset === log.startOffset) return;
    const offset = log.startOffset + this.random.below(log.endOffset - log.startOffset);
    this.begin(
      "read",
      log.read(offset, 1 + this.random.below(500)).then((read) => this.saw(read)),
    );
  }

  saw(batches: readonly Uint8Array[]): void {
    for (const batch of batches.filter(hasRecords)) {
      const [offset, id] = [baseOffsetOf(batch), idOf(batch)];
      expect(this.history.read.get(offset) ?? id).toBe(id);
      this.history.read.set(offset, id);
    }
  }

  trim(): void {
    const log = this.led.at(-1);
    if (!log || !this.random.chance(0.5)) return;
    const offset = log.startOffset + this.random.below(log.endOffset - log.startOffset + 1);
    this.begin(`trim to ${offset}`, log.deleteBefore(offset));
  }

  checkpoint(): void {
    const log = this.led.at(-1);
    if (log) this.begin("checkpoint", log.saveCheckpoint(log.endOffset, Uint8Array.of(1, 2, 3)));
  }

  follow(): void {
    if (this.follower && this.random.chance(0.7)) return;
    const following = this.random.pick(this.engines).replication.follow(ID, OPTIONS);
    this.begin(
      "follow",
      following.then((log) => {
        this.follower = log;
        log.configure({ onAdvance: () => {} });
      }),
    );
  }

  async run(): Promise<void> {
    const { world } = this;
    await world.run(this.engines[0]!.replication.provision(ID, OPTIONS));
    for (let i = 0; i < STEPS; i++) {
      this.step();
      await world.pass(this.random.below(60));
    }
    await this.#heal();
    await this.#check();
  }

  async #heal(): Promise<void> {
    const { model, stream } = this.world;
    model.fateOf = () => "fine";
    model.lag = () => 0;
    model.isSilent = () => false;
    // Late messages must arrive before the election that decides about them.
    await this.world.pass(100);
    model.elect(stream, 0, stream.proposals.length);
    await this.world.run(Promise.all(this.doing.keys())).catch((cause: unknown) => {
      throw new Error(`unfinished: ${[...this.doing.values()].join(", ")}`, { cause });
    });
    await this.world.run(Promise.all(this.led.map((log) => log.close())));
  }

  async #check(): Promise<void> {
    const { world, history } = this;
    const engine = world.engine();
    const log = await world.run(
      engine.replication.lead(ID, { ...OPTIONS, leaderEpoch: this.epoch + 1 }),
    );
    expect(this.problems).toEqual([]);
    expect(world.lines.filter((line) => line.includes("DATA LOSS"))).toEqual([]);
    const content = new Map<number, number>();
    const lastOf = new Map<string, number>();
    let offset = log.startOffset;
    let isFirst = true;
    while (offset < log.endOffset) {
      const batches = await world.run(log.read(offset, 10_000));
      expect(batches.length).toBeGreaterThan(0);
      for (const batch of batches) {
        if (!isFirst) expect(baseOffsetOf(batch)).toBe(offset);
        isFirst = false;
        offset = nextOffsetOf(batch);
        if (!hasRecords(batch)) continue;
        content.set(baseOffsetOf(batch), idOf(batch));
        for (const [key, at] of keysOf(batch)) lastOf.set(key, at);
      }
    }
    const ids = [...content.values()];
    expect(new Set(ids).size).toBe(ids.length);
    const known = [...history.read, ...[...history.acknowledged].map(([id, at]) => [at, id])];
    for (const [at, id] of known as [number, number][])
      if (at >= log.startOffset && content.get(at) !== id) {
        // Compaction has removed the batch, because of later records.
        expect([at, id, content.get(at)]).toEqual([at, id, undefined]);
        for (const [key, offset] of this.#keysSent(id, at))
          expect([key, offset, lastOf.get(key)! > offset]).toEqual([key, offset, true]);
      }
    const offsets = [...history.acknowledged.values()];
    expect(new Set(offsets).size).toBe(offsets.length);
    // The batches of one writer are in the order in which it sent them.
    const byOf = new Map(history.sent.map(({ id, by }) => [id, by]));
    const newest = new Map<number, number>();
    for (const id of ids) {
      const by = byOf.get(id)!;
      expect(id).toBeGreaterThan(newest.get(by) ?? -1);
      newest.set(by, id);
    }
    await world.run(this.#followerAgrees(log, content));
    world.run(engine.close());
  }

  /** The keys of a batch that was sent, with the offsets that they got. */
  #keysSent(id: number, at: number): [string, number][] {
    const { count } = this.history.sent.find((sent) => sent.id === id)!;
    return Array.from({ length: count }, (_, i) => [`${id % KEYS}:${i}`, at + i]);
  }

  async #followerAgrees(log: ReadableLog, content: ReadonlyMap<number, number>): Promise<void> {
    const { follower } = this;
    if (!follower) return;
    while (follower.endOffset < log.endOffset) {
      follower.refresh();
      await new Promise<void>((resolve) => void this.world.time.after(50, resolve));
    }
    expect(follower.endOffset).toBe(log.endOffset);
    for (const batch of await follower.read(
      Math.max(follower.startOffset, log.startOffset),
      10_000,
    ))
      if (hasRecords(batch)) this.#isThereOr(batch, content);
  }

  /** The follower may have it in memory still, when compaction has removed it. */
  #isThereOr(batch: Uint8Array, content: ReadonlyMap<number, number>): void {
    const there = content.get(baseOffsetOf(batch));
    expect([undefined, idOf(batch)]).toContain(there);
  }
}

function keysOf(batch: Uint8Array): [string, number][] {
  return [...decodeBatches([batch])].flatMap((decoded) =>
    [...decoded.records()].map(({ key, offset }): [string, number] => {
      return [new TextDecoder().decode(key!), offset];
    }),
  );
}

/** The ids of batches are in their timestamps. */
function idOf(batch: Uint8Array): number {
  return decodeBatch(batch).header.maxTimestamp;
}

it("never loses, repeats or reorders acknowledged batches, whatever fails", {
  timeout: LIMIT_MS,
}, async () => {
  const first = seedOf("jetstream simulation");
  let acknowledged = 0;
  let sent = 0;
  let compactions = 0;
  const runs = process.env.TARPAN_SEED === undefined ? RUNS : 1;
  for (let seed = first; seed < first + runs; seed++) {
    const simulation = new Simulation(seed);
    try {
      await simulation.run();
    } catch (error) {
      throw new Error(`TARPAN_SEED=${seed}, stream ${STREAM}`, { cause: error });
    }
    acknowledged += simulation.history.acknowledged.size;
    sent += simulation.history.sent.length;
    compactions += simulation.runs;
  }
  console.log(
    `${runs} runs: ${sent} batches sent, ${acknowledged} acknowledged, ${compactions} compactions`,
  );
  // Otherwise the simulation would prove nothing.
  if (runs > 1) {
    expect(acknowledged).toBeGreaterThan(sent / 4);
    expect(compactions).toBeGreaterThan(runs / 2);
  }
});
