// Three real nats-servers that lose power at once, while a log is written and trimmed. Everything
// that was acknowledged must be there afterwards.
import type { NatsConnection } from "@nats-io/transport-node";
import { decodeBatch } from "@tarpan/protocol";
import { expect, it, onTestFinished } from "vitest";
import { type MortalDisk, mountMortalDisk } from "../../../../../test/harness/mortal-disk.ts";
import { nodeEnv } from "../../../src/env/node-env.ts";
import { JetStreamEngine } from "../../../src/log/jetstream/engine.ts";
import { NatsTransport } from "../../../src/log/jetstream/nats-transport.ts";
import type { LogId } from "../../../src/log/log.ts";
import type { LeaderLog } from "../../../src/log/replication.ts";
import { SeededRandom, seedOf } from "../../env/seeded-random.ts";
import { baseOffsetOf, batchOf, OPTIONS, readAll } from "../batches.ts";
import { type NatsServers, NO_SERVER, natsServerPath, startNatsServers } from "./nats-servers.ts";

const isLong = process.env.TARPAN_CHAOS === "1";
const ROUNDS = 6;
const WINDOW = 20;
/** Larger than what a server keeps in memory between two snapshots of its Raft log. */
const ROUND_BYTES = 24 << 20;
const TRIM_EVERY = 40;
/** Each lasts up to 30 s. */
const TRIES = 3;
const BROKERS = [1, 2, 3];
const ID: LogId = { topic: "orders", topicId: "powerloss", partition: 0 };

/** What was acknowledged to the writer. */
interface Promised {
  nextOffset: number;
  startOffset: number;
}

it("loses nothing acknowledged when all servers lose power, also beside trims", async (context) => {
  const path = natsServerPath();
  if (!path) return context.skip(NO_SERVER);
  if (!isLong) return context.skip("npm run chaos only: it takes minutes");
  const disk = await mountMortalDisk();
  if (!disk) return context.skip("this machine permits no mount of ext4 in a file");
  const random = new SeededRandom(seedOf("power loss"));
  const options = { parent: disk.path, syncInterval: "always" };
  const servers = await startNatsServers(path, 3, options);
  onTestFinished(() => servers.stop());
  const connection = await servers.connect();
  onTestFinished(() => connection.close());
  await engineOver(connection, servers).replication.provision(ID, {
    ...OPTIONS,
    replicas: BROKERS,
  });
  const promised: Promised = { nextOffset: 0, startOffset: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const lines: string[] = [];
    const engine = engineOver(connection, servers, lines);
    const log = await opened(engine);
    expect(log.startOffset).toBeGreaterThanOrEqual(promised.startOffset);
    expect(log.endOffset).toBeGreaterThanOrEqual(promised.nextOffset);
    await expectWhole(log);
    expect(lines.filter((line) => line.includes("DATA LOSS"))).toEqual([]);
    console.log(`round ${round}: whole from ${log.startOffset} to ${log.endOffset}`);
    await writeUntilPowerIsLost({ log, disk, servers, random, promised });
    await engine.close();
    await disk.comeBack();
    for (const brokerId of BROKERS) await servers.start(brokerId);
  }
}, 600_000);

function engineOver(connection: NatsConnection, { placement }: NatsServers, lines: string[] = []) {
  const transport = new NatsTransport(connection, nodeEnv);
  const log = (line: string) => lines.push(line);
  return new JetStreamEngine({ transport, env: nodeEnv, placement, log });
}

/** Opens the log as soon as the servers have elected. */
async function opened(engine: JetStreamEngine): Promise<LeaderLog> {
  for (let tries = 1; ; tries++) {
    try {
      return await engine.replication.lead(ID, OPTIONS);
    } catch (error) {
      if (tries === TRIES) throw error;
      console.log((error as Error).message);
    }
  }
}

async function expectWhole(log: LeaderLog): Promise<void> {
  let next = log.startOffset;
  for (const batch of await readAll(log)) {
    const offset = baseOffsetOf(batch);
    if (next !== log.startOffset) expect(offset).toBe(next);
    // The batch's id is its offset, in its timestamp.
    expect(decodeBatch(batch).header.maxTimestamp).toBe(1000 + offset);
    next = offset + 1;
  }
  expect(next).toBe(log.endOffset);
}

interface Writing {
  readonly log: LeaderLog;
  readonly disk: MortalDisk;
  readonly servers: NatsServers;
  readonly random: SeededRandom;
  readonly promised: Promised;
}

async function writeUntilPowerIsLost({ log, disk, servers, random, promised }: Writing) {
  let left = ROUND_BYTES / 2 + random.below(ROUND_BYTES);
  const trim = async () => {
    const start = Math.max(log.startOffset, log.endOffset - random.below(TRIM_EVERY));
    await log.deleteBefore(start);
    promised.startOffset = Math.max(promised.startOffset, start);
  };
  const write = async () => {
    while (left > 0) {
      const valueBytes = 1 + random.below(200_000);
      left -= valueBytes;
      const batch = batchOf(log.nextOffset, { valueBytes });
      const offset = await log.append(batch, log.leaderEpoch);
      promised.nextOffset = Math.max(promised.nextOffset, offset + 1);
      if (offset % TRIM_EVERY === 0) await trim();
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, write));
  // Half of the times nothing is synced after the last trim.
  if (random.chance(0.5)) await trim();
  await disk.losePower();
  for (const brokerId of BROKERS) await servers.kill(brokerId);
}
