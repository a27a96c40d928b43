// Three real nats-servers that lose power at once. Everything that was acknowledged must be there
// afterwards, to the log's next leader and to a follower.
import type { NatsConnection } from "@nats-io/transport-node";
import { decodeBatch } from "@tarpan/protocol";
import { expect, it, onTestFinished, type TestContext } from "vitest";
import { type MortalDisk, mountMortalDisk } from "../../../../../test/harness/mortal-disk.ts";
import { nodeEnv } from "../../../src/env/node-env.ts";
import { JetStreamEngine } from "../../../src/log/jetstream/engine.ts";
import { NatsTransport } from "../../../src/log/jetstream/nats-transport.ts";
import type { LogId, LogOptions, ReadableLog } from "../../../src/log/log.ts";
import { LogError } from "../../../src/log/log-error.ts";
import type { LeaderLog } from "../../../src/log/replication.ts";
import { SeededRandom, seedOf } from "../../env/seeded-random.ts";
import { baseOffsetOf, batchOf, OPTIONS, readAll } from "../batches.ts";
import { compact } from "../compaction.ts";
import { CompactionModel } from "../compaction-model.ts";
import { type NatsServers, NO_SERVER, natsServerPath, startNatsServers } from "./nats-servers.ts";

const isLong = process.env.TARPAN_CHAOS === "1";
const LIMIT_MS = 600_000;
const ROUNDS = 6;
const WINDOW = 20;
/** Several times what a server keeps in its Raft log until it makes a snapshot. */
const ROUND_BYTES = 24 << 20;
const TRIM_EVERY = 40;
/** Each lasts up to 30 s. */
const TRIES = 3;
const BROKERS = [1, 2, 3];

const idOf = (name: string): LogId => ({ topic: name, topicId: `id-${name}`, partition: 0 });

it(
  "loses nothing acknowledged, also right after a trim",
  async (context) => {
    const world = await World.start(context);
    const id = idOf("trimmed");
    const { replication } = world.engine();
    await replication.provision(id, { ...OPTIONS, replicas: BROKERS });
    for (let round = 0; round < ROUNDS; round++) {
      const log = await world.openWhole(id);
      const trim = () => world.trim(id, log);
      await world.write(id, log, async (offset) => {
        if (offset % TRIM_EVERY === 0) await trim();
      });
      // Half of the times nothing is synced after the last trim.
      if (world.random.chance(0.5)) await trim();
      await world.losePower();
    }
    await world.openWhole(id);
  },
  LIMIT_MS,
);

it(
  "loses nothing acknowledged while a log's replicas become three",
  async (context) => {
    const world = await World.start(context);
    for (let round = 0; round < ROUNDS; round++) {
      const id = idOf(`grown-${round}`);
      const { replication } = world.engine();
      await replication.provision(id, { ...OPTIONS, replicas: [1 + (round % 3)] });
      const log = await world.openWhole(id);
      await world.write(id, log);
      await untilAccepted(() => replication.moveReplicas(id, BROKERS));
      // Early, while the new replicas still copy the log, or late.
      const share = world.random.next();
      await world.write(id, log, undefined, Math.floor(share * ROUND_BYTES));
      await world.losePower();
      await world.openWhole(id);
    }
  },
  LIMIT_MS,
);

it(
  "loses no key's last value when the power fails beside compaction",
  async (context) => {
    const world = await World.start(context);
    const { random } = world;
    const id = idOf("compacted");
    const options = { ...OPTIONS, segmentBytes: 4000 };
    await world.engine().replication.provision(id, { ...options, replicas: BROKERS });
    const model = new CompactionModel(random, 40);
    for (let round = 0; round < 2 * ROUNDS; round++) {
      const log = await world.lead(id, options);
      await model.check(log);
      for (let i = 0; i < 120; i++) await model.append(log);
      const begunMs = performance.now();
      const running = compact(log, { nowMs: 10_000 * round }).catch(() => null);
      // Half of the times in the middle of a run, which lasts about as long as the last one.
      if (random.chance(0.5)) await running;
      else await new Promise((resolve) => setTimeout(resolve, random.next() * world.runMs));
      world.runMs = Math.max(world.runMs, performance.now() - begunMs);
      await world.losePower();
      await running;
    }
    const log = await world.lead(id, options);
    const found = await model.check(log);
    const follower = await world.engine().replication.follow(id, options);
    expect(await model.check(follower)).toEqual(found);
    expect(found.length).toBeLessThan(model.appended.length / 2);
    world.expectNoLoss();
  },
  LIMIT_MS,
);

/** What was acknowledged of a log. */
interface Promised {
  nextOffset: number;
  startOffset: number;
}

class World {
  readonly random = new SeededRandom(seedOf("power loss"));
  readonly #disk: MortalDisk;
  readonly #servers: NatsServers;
  readonly #connection: NatsConnection;
  readonly #promised = new Map<LogId, Promised>();
  readonly #lines: string[] = [];
  #engine: JetStreamEngine;
  /** How long a run of compaction lasts. */
  runMs = 50;

  private constructor(disk: MortalDisk, servers: NatsServers, connection: NatsConnection) {
    this.#disk = disk;
    this.#servers = servers;
    this.#connection = connection;
    this.#engine = this.#newEngine();
  }

  static async start(context: TestContext): Promise<World> {
    const path = natsServerPath();
    if (!path) return context.skip(NO_SERVER);
    if (!isLong) return context.skip("npm run chaos only: it takes minutes");
    const disk = await mountMortalDisk();
    if (!disk) return context.skip("this machine permits no mount of ext4 in a file");
    const options = { parent: disk.path, syncInterval: "always" };
    const servers = await startNatsServers(path, 3, options);
    onTestFinished(() => servers.stop());
    const connection = await servers.connect();
    onTestFinished(() => connection.close());
    return new World(disk, servers, connection);
  }

  engine(): JetStreamEngine {
    return this.#engine;
  }

  #newEngine(): JetStreamEngine {
    const transport = new NatsTransport(this.#connection, nodeEnv);
    const log = (line: string) => this.#lines.push(line);
    const { placement } = this.#servers;
    return new JetStreamEngine({ transport, env: nodeEnv, placement, log });
  }

  lead(id: LogId, options: LogOptions = OPTIONS): Promise<LeaderLog> {
    return patiently(() => this.#engine.replication.lead(id, options));
  }

  expectNoLoss(): void {
    expect(this.#lines.filter((line) => line.includes("DATA LOSS"))).toEqual([]);
  }

  /** Leads the log, which must have everything that was acknowledged. */
  async openWhole(id: LogId): Promise<LeaderLog> {
    const { replication } = this.#engine;
    const log = await this.lead(id);
    const { startOffset, nextOffset } = this.#promisedOf(id);
    expect(log.startOffset).toBeGreaterThanOrEqual(startOffset);
    expect(log.endOffset).toBeGreaterThanOrEqual(nextOffset);
    await expectDense(log);
    const follower = await patiently(() => replication.follow(id, OPTIONS));
    expect(follower.endOffset).toBe(log.endOffset);
    await expectDense(follower);
    await follower.close();
    this.expectNoLoss();
    console.log(`${id.topic} is whole from ${log.startOffset} to ${log.endOffset}`);
    return log;
  }

  async write(
    id: LogId,
    log: LeaderLog,
    appended: (offset: number) => Promise<void> = async () => {},
    sizeBytes = ROUND_BYTES / 2 + this.random.below(ROUND_BYTES),
  ): Promise<void> {
    const promised = this.#promisedOf(id);
    let left = sizeBytes;
    const write = async () => {
      while (left > 0) {
        const valueBytes = 1 + this.random.below(200_000);
        left -= valueBytes;
        const batch = batchOf(log.nextOffset, { valueBytes });
        const offset = await log.append(batch, log.leaderEpoch);
        promised.nextOffset = Math.max(promised.nextOffset, offset + 1);
        await appended(offset);
      }
    };
    await Promise.all(Array.from({ length: WINDOW }, write));
  }

  async trim(id: LogId, log: LeaderLog): Promise<void> {
    const start = Math.max(log.startOffset, log.endOffset - this.random.below(TRIM_EVERY));
    await log.deleteBefore(start);
    const promised = this.#promisedOf(id);
    promised.startOffset = Math.max(promised.startOffset, start);
  }

  /** Kills all servers, too, and starts them again. */
  async losePower(): Promise<void> {
    await this.#disk.losePower();
    for (const brokerId of BROKERS) await this.#servers.kill(brokerId);
    await this.#engine.close();
    this.#engine = this.#newEngine();
    await this.#disk.comeBack();
    for (const brokerId of BROKERS) await this.#servers.start(brokerId);
  }

  #promisedOf(id: LogId): Promised {
    const promised = this.#promised.get(id) ?? { nextOffset: 0, startOffset: 0 };
    this.#promised.set(id, promised);
    return promised;
  }
}

/** The servers may still be electing. */
async function patiently<T>(open: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await open();
    } catch (error) {
      if (tries === TRIES || !(error instanceof LogError)) throw error;
      console.log(error.message);
    }
  }
}

async function untilAccepted(move: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await move();
    } catch (error) {
      if (!(error instanceof LogError) || error.kind !== "busy") throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function expectDense(log: ReadableLog): Promise<void> {
  let next = log.startOffset;
  for (const batch of await readAll(log)) {
    const offset = baseOffsetOf(batch);
    expect(offset).toBe(next);
    // The batch's id is its offset, in its timestamp.
    expect(decodeBatch(batch).header.maxTimestamp).toBe(1000 + offset);
    next = offset + 1;
  }
  expect(next).toBe(log.endOffset);
}
