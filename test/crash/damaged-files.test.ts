// Files of a real broker's logs are lost or changed, while it is down and while it runs.
import { mkdir, open, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ErrorCode, encodeBatch, ListOffsets } from "@tarpan/protocol";
import { beforeAll, expect, it } from "vitest";
import { BrokerProcess, useBroker } from "../harness/broker-process.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { RawMember } from "../harness/raw-group.ts";
import { RECENT_MS } from "../harness/recent.ts";
import { createTopic, fetch, produce } from "../harness/records.ts";

const { NONE, CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR } = ErrorCode;
const broker = useBroker({ flags: ["--kafka", "group.initial.rebalance.delay.ms=0"] });
let connection: RawConnection;

// Three records fit into a segment of the smallest size that Kafka allows.
const SEGMENTS = { "segment.bytes": "1048576" };
const RECORDS = 10;
const VALUE = Buffer.alloc(300_000, "x");
const COMMIT = { partitionIndex: 0, committedOffset: 1, committedMetadata: "" };
const TIME = RECENT_MS;

type Harm = (files: Files) => Promise<unknown>;

/** The files of one partition. */
class Files {
  readonly directory: string;

  constructor(topic: string) {
    this.directory = join(broker.dataDirectory, `${topic}-0`);
  }

  /** Of the segment that begins at `offset`. */
  path(offset: number, suffix = ".log"): string {
    return join(this.directory, String(offset).padStart(20, "0") + suffix);
  }

  flip(offset: number, position: number): Promise<void> {
    return flipIn(this.path(offset), position);
  }
}

async function flipIn(path: string, position: number): Promise<void> {
  const file = await open(path, "r+");
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
  await file.write(Buffer.of(buffer[0]! ^ 0x41), 0, 1, position);
  await file.close();
}

async function send(topic: string, at: number): Promise<number> {
  const batch = encodeBatch([{ key: null, value: VALUE, timestamp: TIME + at }]);
  const { errorCode, baseOffset } = await produce(connection, topic, batch);
  expect(errorCode).toBe(NONE);
  return baseOffset;
}

/** The error code of a read at each offset, for those that have one. */
async function unreadable(topic: string): Promise<Record<number, number>> {
  const codes: Record<number, number> = {};
  for (let offset = 0; offset < RECORDS; offset++) {
    const answer = await fetch(connection, topic, offset, { maxBytes: 1 });
    if (answer.errorCode !== NONE) codes[offset] = answer.errorCode;
    else expect(Number(Buffer.from(answer.records!).readBigInt64BE(0))).toBe(offset);
  }
  return codes;
}

async function offsetAt(topic: string, timestamp: number): Promise<number> {
  const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: BigInt(timestamp) }];
  const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] };
  const { topics } = await connection.request(ListOffsets, 7, body as never);
  return Number(topics[0]!.partitions[0]!.offset);
}

/** What is done to each topic's files while the broker is down, and what can't be read then. */
const DOWN: Record<string, { harm: Harm; lost?: number[]; told?: string }> = {
  "missing-segment": {
    harm: (files) => rm(files.path(3)),
    lost: [3, 4, 5],
    told: "offsets 3 to 5 are damaged",
  },
  "empty-segment": {
    harm: (files) => truncate(files.path(3)),
    lost: [3, 4, 5],
    told: "offsets 3 to 5 are damaged",
  },
  "missing-last-segment": {
    harm: (files) => rm(files.path(9)),
    lost: [9],
    told: "offsets 9 to 9 are damaged",
  },
  "flipped-byte": {
    harm: (files) => files.flip(3, 450_000),
    lost: [4],
    told: "offsets 4 to 4 are damaged",
  },
  "cut-indexes": {
    harm: async (files) => {
      for (const at of [0, 3, 6]) {
        await truncate(files.path(at, ".index"), 3);
        await truncate(files.path(at, ".timeindex"), 3);
      }
    },
  },
  "nonsense-indexes": {
    harm: async (files) => {
      for (const at of [0, 3, 6]) {
        await writeFile(files.path(at, ".index"), Buffer.alloc(16, 0x7f));
        await writeFile(files.path(at, ".timeindex"), Buffer.alloc(24, 0x7f));
      }
    },
  },
  "missing-indexes": {
    harm: async (files) => {
      for (const name of await readdir(files.directory))
        if (name.endsWith("index")) await rm(join(files.directory, name));
    },
  },
  "cut-checkpoint": {
    harm: (files) => truncate(join(files.directory, "tarpan.checkpoint"), 11),
    told: "cut-checkpoint-0: the checkpoint is damaged, so the whole log is scanned",
  },
  "unknown-files": {
    harm: async (files) => {
      await writeFile(join(files.directory, "notes.txt"), "mine");
      await writeFile(files.path(3, ".log.bak"), "mine");
      await mkdir(join(files.directory, "00000000000000000003"));
    },
  },
};

/** Flips a byte of the first batch of every partition that holds commits. */
async function damageCommits(): Promise<void> {
  for (const name of await readdir(broker.dataDirectory)) {
    if (!name.startsWith("__consumer_offsets-")) continue;
    const path = join(broker.dataDirectory, name, "0".repeat(20).concat(".log"));
    if ((await readFile(path)).length > 0) await flipIn(path, 100);
  }
}

beforeAll(async () => {
  connection = await RawConnection.open(broker.port);
  for (const topic of [...Object.keys(DOWN), "running"]) {
    await createTopic(connection, topic, { configs: SEGMENTS });
    for (let at = 0; at < RECORDS; at++) await send(topic, at);
  }
  const member = await RawMember.alone(broker.port, "g");
  expect(await member.commit({ topics: [{ name: "running", partitions: [COMMIT] }] })).toBe(NONE);
  member.connection.close();
  expect(await broker.stop()).toBe(0);
  await damageCommits();
  for (const [topic, { harm }] of Object.entries(DOWN)) await harm(new Files(topic));
  await broker.start();
  connection = await RawConnection.open(broker.port);
});

for (const [topic, { lost = [], told }] of Object.entries(DOWN))
  it(`${topic.replaceAll("-", " ")}, while the broker was down`, async () => {
    const expected = Object.fromEntries(lost.map((offset) => [offset, CORRUPT_MESSAGE]));
    expect(await unreadable(topic)).toEqual(expected);
    expect(await send(topic, RECORDS)).toBe(RECORDS);
    const seen = [0, 7, RECORDS].map((at) => offsetAt(topic, TIME + at));
    expect(await Promise.all(seen)).toEqual([0, 7, RECORDS]);
    if (told !== undefined) expect(broker.output).toContain(told);
    if (topic !== "unknown-files") return;
    const { directory, path } = new Files(topic);
    expect(await readFile(join(directory, "notes.txt"), "utf8")).toBe("mine");
    expect(await readFile(path.call(new Files(topic), 3, ".log.bak"), "utf8")).toBe("mine");
  });

it("a flipped byte in the log of groups: the operator's log and /ready say so", async () => {
  const why = /the group coordinator can't be loaded from __consumer_offsets-\d+: .* are damaged/;
  const ready = await globalThis.fetch(`http://${broker.bootstrap}/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toMatch(why);
  const lines = broker.output.split("\n").filter((line) => line.includes("can't be loaded"));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('"level":"error"');
});

it("a flipped byte in the log of metadata: the broker refuses to start, and says why", async () => {
  const other = new BrokerProcess();
  await other.start();
  await other.stop();
  const path = join(other.dataDirectory, "__cluster_metadata-0", "0".repeat(20).concat(".log"));
  await flipIn(path, 100);
  await expect(other.start()).rejects.toThrow("ended with 1 before it was ready");
  const [line] = other.output.split("\n").filter((line) => line.startsWith("tarpan: "));
  expect(line).toMatch(
    /log __cluster_metadata-0: offsets 0 to \d+ are damaged on disk\. .*restore/,
  );
});

it("a flipped byte, lost indexes and a lost segment, while the broker runs", async () => {
  const files = new Files("running");
  expect(await unreadable("running")).toEqual({});
  await files.flip(3, 450_000);
  for (const at of [0, 3, 6]) {
    await rm(files.path(at, ".index"));
    await rm(files.path(at, ".timeindex"));
  }
  expect(await unreadable("running")).toEqual({ 4: CORRUPT_MESSAGE });
  expect(broker.output).toContain("running-0: offsets 4 to 4 are damaged");
  expect(await send("running", RECORDS)).toBe(RECORDS);
  expect(await offsetAt("running", TIME + 7)).toBe(7);

  await broker.restart();
  connection = await RawConnection.open(broker.port);
  await rm(files.path(6));
  expect(await unreadable("running")).toEqual({
    4: CORRUPT_MESSAGE,
    ...{ 6: KAFKA_STORAGE_ERROR, 7: KAFKA_STORAGE_ERROR, 8: KAFKA_STORAGE_ERROR },
  });
  expect(broker.output).toMatch(/running-0: cannot read at 6: .*ENOENT/);
  expect(await send("running", RECORDS + 1)).toBe(RECORDS + 1);
});
