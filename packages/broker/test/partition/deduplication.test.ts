import { decompress } from "@tarpan/codecs";
import { ErrorCode, encodeBatch, readBatchHeader, recordsField } from "@tarpan/protocol";
import { describe, expect, it, test } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { LogError } from "../../src/log/log-error.ts";
import { batchIdsOf, MESSAGE_ID_HEADER } from "../../src/partition/batch-ids.ts";
import { MessageIds } from "../../src/partition/message-ids.ts";
import { Partition } from "../../src/partition/partition.ts";
import { ManualTime } from "../env/manual-time.ts";
import { OPTIONS } from "../log/batches.ts";
import { ID, World } from "../log/jetstream/world.ts";
import { append, batchOf, open, RULES, reopen, stored } from "./deduplicating.ts";

const success = (baseOffset: number) => ({ errorCode: ErrorCode.NONE, baseOffset });

describe("a copy of a record", () => {
  it("is not stored, and is answered with the first offset", async () => {
    const { partition, log } = await open();
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(0));
    expect(await append(partition, batchOf([null, "b", "c"]))).toMatchObject(success(1));
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(0));
    expect(await append(partition, batchOf(["b", "c"]))).toMatchObject(success(2));
    expect(log.nextOffset).toBe(4);
    expect(partition.traffic).toMatchObject({ recordsIn: 4, duplicatesDropped: 3 });
  });

  it("has no offset to tell in a batch whose originals are apart", async () => {
    const { partition, log } = await open();
    await append(partition, batchOf(["a", "b", "c"]));
    expect(await append(partition, batchOf(["c", "a"]))).toMatchObject(success(-1));
    expect(log.nextOffset).toBe(3);
  });

  it("leaves a gap between new records, whose offsets are those told", async () => {
    for (const compression of [0, 1, 2, 3, 4]) {
      const { partition, log } = await open();
      await append(partition, batchOf(["a"]));
      const mixed = batchOf(["b", "a", null, "c", "c"], { compression });
      expect(await append(partition, mixed)).toMatchObject(success(1));
      expect(await append(partition, batchOf(["d"]))).toMatchObject(success(6));
      const { records, batches } = await stored(log);
      const expected = [
        [0, "a"],
        [1, "b"],
        [3, null],
        [4, "c"],
        [6, "d"],
      ];
      expect(records).toEqual(expected);
      expect(batches).toEqual([
        [0, 0, 1],
        [1, 5, 3],
        [6, 6, 1],
      ]);
      expect(log.maxTimestamp).toBe(1_003);
      expect(await append(partition, batchOf(["c"]))).toMatchObject(success(4));
    }
  });

  it("leaves a producer's sequence going on, also after a crash", async () => {
    let opened = await open();
    const send = (baseSequence: number, ids: string[]) =>
      append(opened.partition, batchOf(ids, { producerId: 7, producerEpoch: 0, baseSequence }));
    expect(await send(0, ["a", "b"])).toMatchObject(success(0));
    expect(await send(2, ["a", "b"])).toMatchObject(success(0));
    expect(await send(4, ["b", "a"])).toMatchObject(success(-1));
    for (let life = 0; life < 2; life++) {
      // Copies of whole batches, by their sequence.
      expect(await send(0, ["a", "b"])).toMatchObject(success(0));
      expect(await send(2, ["a", "b"])).toMatchObject(success(0));
      expect(await send(4, ["b", "a"])).toMatchObject(success(-1));
      await opened.log.close();
      opened = await reopen(opened);
    }
    expect(await send(6, ["a", "c"])).toMatchObject(success(6));
    expect(await send(6, ["a", "c"])).toMatchObject(success(6));
    const gap = await send(9, ["a"]);
    expect(gap.errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    const { records, batches } = await stored(opened.log);
    expect(records).toEqual([
      [0, "a"],
      [1, "b"],
      [7, "c"],
    ]);
    expect(batches).toEqual([
      [0, 1, 2],
      [2, 3, 0],
      [4, 5, 0],
      [6, 7, 1],
    ]);
  });

  it("is answered when the original is durable, and not stored meanwhile", async () => {
    const { partition, log } = await open();
    const first = append(partition, batchOf(["a"]));
    const copy = append(partition, batchOf(["a"])).then((outcome) => {
      expect(log.endOffset).toBe(1);
      return outcome;
    });
    expect([log.endOffset, log.nextOffset]).toEqual([0, 1]);
    expect([await first, await copy]).toMatchObject([success(0), success(0)]);
  });

  it("has the error of an original that fails, and is then accepted", async () => {
    const { partition, log } = await open();
    await append(partition, batchOf(["x"]));
    const world = new FullDisk(log);
    const failing = [
      append(partition, batchOf(["a"])),
      append(partition, batchOf(["a"])),
      append(partition, batchOf(["b", "a"])),
    ];
    world.refuseAll();
    for (const outcome of await Promise.all(failing)) {
      expect(outcome).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, baseOffset: -1 });
    }
    expect(partition.traffic.duplicatesDropped).toBe(0);
    expect(await append(partition, batchOf(["b", "a"]))).toMatchObject(success(1));
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(2));
  });

  it("is accepted when the original got no offset, even at once", async () => {
    const { partition, log } = await open();
    const real = log.append.bind(log);
    log.append = () => Promise.reject(new LogError("too-large", "too large"));
    const refused = append(partition, batchOf(["a"]));
    log.append = real;
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(0));
    expect(log.nextOffset).toBe(1);
    expect((await refused).errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(0));
    expect(log.nextOffset).toBe(1);
  });
});

/** Keeps appends waiting, and then refuses them all, as a full disk does. */
class FullDisk {
  readonly #log: Log;
  readonly #real: Log["append"];
  readonly #refuse: ((error: LogError) => void)[] = [];
  #next: number;

  constructor(log: Log) {
    this.#log = log;
    this.#real = log.append;
    this.#next = log.nextOffset;
    Object.defineProperty(log, "nextOffset", { configurable: true, get: () => this.#next });
    log.append = (batch) => {
      this.#next += readBatchHeader(batch).lastOffsetDelta + 1;
      return new Promise((_, reject) => this.#refuse.push(reject));
    };
  }

  refuseAll(): void {
    this.#log.append = this.#real;
    delete (this.#log as { nextOffset?: number }).nextOffset;
    for (const refuse of this.#refuse) refuse(new LogError("disk-full", "no space"));
  }
}

describe("an id", () => {
  it("is forgotten after its time, by the monotonic clock, whatever the wall clock does", async () => {
    const { partition, time } = await open();
    await append(partition, batchOf(["a"]));
    time.jumpWallTo(time.wallMs() + 365 * 86_400_000);
    time.advance(RULES.ttlMs - 1);
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(0));
    time.jumpWallTo(0);
    time.advance(1);
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(1));
    time.advance(RULES.ttlMs);
    partition.forgetOld(0);
    expect(partition.messageIds!.count).toBe(0);
  });

  it("is forgotten when there are too many, the oldest first", async () => {
    const opened = await open(undefined, { rules: { ...RULES, maxIds: 3 } });
    const { partition, time } = opened;
    await append(partition, batchOf(["a", "b", "c"]));
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(0));
    expect(await append(partition, batchOf(["d"]))).toMatchObject(success(3));
    expect(await append(partition, batchOf(["b"]))).toMatchObject(success(1));
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(4));
    partition.deduplicate({ ...RULES, maxIds: 1 }, time);
    expect(partition.messageIds!.count).toBe(1);
    expect(await append(partition, batchOf(["d"]))).toMatchObject(success(5));
  });

  it("is known again after a restart, with its age", async () => {
    const opened = await open();
    await append(opened.partition, batchOf(["a"]));
    opened.time.advance(RULES.ttlMs / 2);
    await append(opened.partition, batchOf(["b"]));
    await opened.partition.close();
    opened.time.advance(RULES.ttlMs / 2 - 1);
    const { partition } = await reopen(opened);
    expect(await append(partition, batchOf(["a", "b"]))).toMatchObject(success(0));
    opened.time.advance(1);
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(2));
    opened.time.advance(RULES.ttlMs / 2 - 1);
    expect(await append(partition, batchOf(["b"]))).toMatchObject(success(1));
    opened.time.advance(1);
    expect(await append(partition, batchOf(["b"]))).toMatchObject(success(3));
  });

  it("is not made older by a wall clock that was put back during a restart", async () => {
    const opened = await open();
    await append(opened.partition, batchOf(["a"]));
    opened.time.advance(RULES.ttlMs - 1);
    await opened.partition.close();
    opened.time.jumpWallTo(0);
    const { partition } = await reopen(opened);
    opened.time.advance(RULES.ttlMs - 1);
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(0));
    opened.time.advance(1);
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(1));
  });

  it("is found in the log after a crash, as young as it may be", async () => {
    const opened = await open();
    // The records' timestamps are of 1970.
    await append(opened.partition, batchOf(["a"]));
    await append(opened.partition, batchOf(["b", "a", "c"], { compression: 1 }));
    await opened.log.close();
    opened.time.advance(RULES.ttlMs - 1);
    const { partition } = await reopen(opened);
    expect(await append(partition, batchOf(["c"]))).toMatchObject(success(3));
    opened.time.advance(RULES.ttlMs - 1);
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(0));
    opened.time.advance(1);
    expect(await append(partition, batchOf(["c"]))).toMatchObject(success(4));
  });

  it("is forgotten when deduplication is switched off, and costs nothing then", async () => {
    const { partition, time } = await open();
    await append(partition, batchOf(["a"]));
    partition.deduplicate(null, time);
    expect(partition.messageIds).toBeNull();
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(1));
    partition.deduplicate(RULES, time);
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(2));
    expect(await append(partition, batchOf(["a"]))).toMatchObject(success(2));
  });

  it("has 1 to 1024 bytes of any kind; the last counts if there are several", () => {
    const idsOf = (...values: (Uint8Array | null)[]) => {
      const headers = values.map((value) => ({ key: MESSAGE_ID_HEADER, value }));
      const batch = encodeBatch([{ key: null, value: null, timestamp: 0, headers }]);
      return batchIdsOf(recordsField(batch, readBatchHeader(batch), decompress, 0), 1);
    };
    const one = new Uint8Array([0]);
    const most = new Uint8Array(1024).fill(0xff);
    expect(idsOf(one).errors).toEqual([]);
    expect(idsOf(one, most).ids).toEqual(idsOf(most).ids);
    for (const wrong of [null, new Uint8Array(), new Uint8Array(1025)]) {
      expect(idsOf(one, wrong).errors).toHaveLength(1);
    }
    expect(idsOf()).toEqual({ ids: null, errors: [] });
  });
});

test("a broker that takes a log over knows the ids, with and without a checkpoint", async () => {
  for (const withCheckpoint of [true, false]) {
    const world = new World();
    const { replication } = world.engine();
    await world.run(replication.provision(ID, OPTIONS));
    const time = new ManualTime();
    const led = async (from: typeof replication, leaderEpoch: number) => {
      const log = await world.run(from.lead(ID, { ...OPTIONS, leaderEpoch }));
      const ids = new MessageIds(time, RULES);
      return world.run(Partition.open(ID, log, leaderEpoch, undefined, ids));
    };
    const first = await led(replication, 5);
    await world.run(append(first, batchOf(["a", "b"])));
    await world.run(append(first, batchOf(["b", "c"])));
    if (withCheckpoint) await world.run(first.checkpoint());
    await world.run(append(first, batchOf(["d"])));
    const sequence = { producerId: 7, producerEpoch: 0, baseSequence: 0 };
    expect(await world.run(append(first, batchOf(["a", "b"], sequence)))).toMatchObject(success(0));
    expect(first.log.endOffset).toBe(7);
    const next = await led(world.engine().replication, 6);
    for (const [id, offset] of [
      ["a", 0],
      ["c", 3],
      ["d", 4],
    ] as const) {
      expect(await world.run(append(next, batchOf([id])))).toMatchObject(success(offset));
    }
    expect(next.log.nextOffset).toBe(7);
    const after = batchOf(["e"], { ...sequence, baseSequence: 2 });
    expect(await world.run(append(next, after))).toMatchObject(success(7));
  }
});
