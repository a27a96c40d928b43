// Appends random keys to a stream, compacts, reads meanwhile, moves the start and changes leaders,
// and checks each time that the last value of every key is at its offset: on the model, and on real
// nats-servers, which are killed beside compaction.
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodeEnv } from "../../../src/env/node-env.ts";
import { JetStreamEngine } from "../../../src/log/jetstream/engine.ts";
import { NatsTransport } from "../../../src/log/jetstream/nats-transport.ts";
import type { JetStreamTransport } from "../../../src/log/jetstream/transport.ts";
import type { Log, LogId } from "../../../src/log/log.ts";
import type { ReplicatedLogOptions } from "../../../src/log/replication.ts";
import { SeededRandom, seedOf } from "../../env/seeded-random.ts";
import { OPTIONS } from "../batches.ts";
import { compact } from "../compaction.ts";
import { CompactionModel } from "../compaction-model.ts";
import { ModelJetStream } from "./model-jetstream.ts";
import { type NatsServers, NO_SERVER, natsServerPath, startNatsServers } from "./nats-servers.ts";

const SMALL: ReplicatedLogOptions = { ...OPTIONS, segmentBytes: 700, segmentMs: 1e12 };
const path = natsServerPath();
const isLong = process.env.TARPAN_CHAOS === "1";

class RandomRun {
  readonly random: SeededRandom;
  readonly model: CompactionModel;
  readonly lines: string[] = [];
  readonly id: LogId;
  readonly #newEngine: (report: (line: string) => void) => JetStreamEngine;
  #nowMs = 10_000;
  #epoch = 0;
  runs = 0;

  constructor(seed: number, newEngine: (report: (line: string) => void) => JetStreamEngine) {
    this.random = new SeededRandom(seed);
    this.model = new CompactionModel(this.random);
    this.id = { topic: "compacted", topicId: `seed${seed}`, partition: 0 };
    this.#newEngine = newEngine;
  }

  newEngine(): JetStreamEngine {
    return this.#newEngine((line) => this.lines.push(line));
  }

  lead(): Promise<Log> {
    const options = { ...SMALL, leaderEpoch: this.#epoch++ };
    return this.newEngine().replication.lead(this.id, options);
  }

  async step(log: Log): Promise<Log> {
    const { random, model } = this;
    const dice = random.below(20);
    if (dice < 13) await model.append(log);
    else if (dice < 17) await this.compact(log);
    else if (dice < 18) {
      const offset = log.startOffset + random.below(log.endOffset - log.startOffset + 1);
      if (random.chance(0.3)) await log.deleteBefore(offset);
      await log.saveCheckpoint(log.endOffset, new Uint8Array(3));
    } else {
      if (random.chance(0.5)) await log.close();
      return this.lead();
    }
    return log;
  }

  /** While it is written, read and trimmed. */
  async compact(log: Log): Promise<void> {
    const { random, model } = this;
    this.#nowMs += 300;
    const throttle = async () => {
      if (random.chance(0.3)) await model.append(log);
      if (random.chance(0.3)) await model.check(log);
      if (random.chance(0.05)) await log.deleteBefore(log.startOffset + random.below(5));
    };
    const slots = random.pick([6, 20, 1000]);
    const running = compact(log, { nowMs: this.#nowMs, slots, throttle });
    const outcome = await running.catch((error) => error.kind);
    expect(["closed", "busy"].includes(outcome) || typeof outcome === "object").toBe(true);
    if (typeof outcome === "object") this.runs += 1;
  }

  async compactWholly(log: Log): Promise<void> {
    while ((await log.compactor!.measure(0, 0)) !== null) await compact(log, { nowMs: 10 });
  }

  /** The log has what it must have, to its next leader and a follower too, and little else. */
  async finish(log: Log): Promise<void> {
    await this.compactWholly(log);
    await this.model.check(log);
    const next = await this.lead();
    const found = await this.model.check(next);
    const follower = await this.newEngine().replication.follow(this.id, SMALL);
    expect(await this.model.check(follower)).toEqual(found);
    // At most the newest segment, of 700 bytes, has records of keys that are there twice.
    const keys = found.map(({ key }) => key);
    expect(keys.length - new Set(keys).size).toBeLessThan(20);
    expect(next).toMatchObject({ failure: null, damagedRanges: 0 });
    expect(this.lines.filter((line) => line.includes("DATA LOSS"))).toEqual([]);
  }
}

async function runRandomly(
  run: RandomRun,
  steps: number,
  replicas: readonly number[] = [],
): Promise<void> {
  await run.newEngine().replication.provision(run.id, { ...SMALL, replicas });
  let log = await run.lead();
  for (let step = 0; step < steps; step++) {
    log = await run.step(log);
    await run.model.check(log);
  }
  await run.finish(log);
  expect(run.runs).toBeGreaterThan(0);
}

it("keeps the last value of every key, whatever happens, on the model", async () => {
  const seed = seedOf("compaction of a stream");
  for (let round = 0; round < 2; round++) {
    const model = new ModelJetStream({ env: nodeEnv, random: new SeededRandom(seed + round) });
    const run = new RandomRun(seed + round, (log) => engineOn(model.connect(), null, log));
    await runRandomly(run, 40);
  }
});

function engineOn(
  transport: JetStreamTransport,
  servers: NatsServers | null,
  log: (line: string) => void,
): JetStreamEngine {
  const placement = servers?.placement ?? null;
  return new JetStreamEngine({ transport, env: nodeEnv, placement, log });
}

for (const count of [1, 3] as const)
  describe(`compaction on ${count} nats-server`, () => {
    const brokers = Array.from({ length: count }, (_, i) => i + 1);
    let servers: NatsServers;
    let connection: NatsConnection;
    beforeAll(async () => {
      if (!path) return;
      servers = await startNatsServers(path, count, { syncInterval: "always" });
      connection = await servers.connect();
    });
    afterAll(async () => {
      await connection?.close();
      await servers?.stop();
    });
    beforeEach((context) => {
      if (!path) context.skip(NO_SERVER);
    });

    const newRun = (what: string) => {
      const run = new RandomRun(seedOf(`${what} on ${count} nats-server`), (log) => {
        return engineOn(new NatsTransport(connection, nodeEnv), servers, log);
      });
      return run;
    };

    it("keeps the last value of every key, whatever happens", async () => {
      await runRandomly(newRun("compaction"), isLong ? 300 : 30, brokers);
    }, 300_000);

    it("loses nothing when all servers are killed right after a run", async (context) => {
      if (count > 1 && !isLong) context.skip("npm run chaos only: it waits for elections");
      const run = newRun("kills beside compaction");
      const options = { ...SMALL, replicas: brokers };
      await run.newEngine().replication.provision(run.id, options);
      for (let round = 0; round < (isLong ? 8 : 2); round++) {
        const log = await run.lead();
        for (let i = 0; i < 30; i++) await run.model.append(log);
        await run.compact(log);
        for (const broker of brokers) await servers.kill(broker);
        for (const broker of brokers) await servers.start(broker);
        await log.close();
      }
      await run.finish(await run.lead());
    }, 300_000);
  });
