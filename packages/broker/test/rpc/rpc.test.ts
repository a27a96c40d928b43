import { api, array, bytes, i16, i64, string, Writer, WriteTxnMarkers } from "@tarpan/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { onHeartbeats, sendHeartbeat } from "../../src/cluster/heartbeat.ts";
import type { Logger } from "../../src/logging/logger.ts";
import { BrokerHeartbeat } from "../../src/rpc/messages/index.ts";
import type { Rpc } from "../../src/rpc/rpc.ts";
import { ManualTime } from "../env/manual-time.ts";
import { type MemoryBus, MemoryNetwork } from "./memory-bus.ts";
import { rpcOn } from "./rpc-on.ts";
import { BEAT, Marks, MarksOfOld, releasesTalk } from "./two-releases.ts";

const said: string[] = [];
const say = (line: string) => void said.push(line);
const logger: Logger = { debug: say, info: say, warn: say, error: say };
const TIMEOUT_MS = 5_000;

describe("a call", () => {
  beforeEach(() => void said.splice(0));

  it("carries bytes and numbers of 64 bits", async () => {
    const { one, two } = pair();
    const Echo = api({
      ...{ key: 20_000, name: "Echo", versions: "0", flexible: "0+" },
      request: { large: i64, raw: bytes, names: array(string) },
      response: { large: i64, raw: bytes, names: array(string) },
    });
    two.serve(Echo, async (request) => request);
    const message = { large: 2n ** 63n - 1n, raw: new Uint8Array([0, 255, 1]), names: ["é", ""] };
    expect(await one.call(Echo, 2, message, TIMEOUT_MS)).toEqual(message);
  });

  it("may be an API of Kafka's, such as WriteTxnMarkers", async () => {
    const { one, two } = pair();
    const topics = [{ name: "a", partitionIndexes: [0, 1] }];
    two.serve(WriteTxnMarkers, async ({ markers }) => ({
      markers: markers.map(({ producerId, topics: marked }) => ({
        producerId,
        topics: marked.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode: 0 })),
        })),
      })),
    }));
    const marker = { producerId: 9, producerEpoch: 1, transactionResult: true, topics };
    const request = { markers: [{ ...marker, coordinatorEpoch: 3 }] };
    const { markers } = await one.call(WriteTxnMarkers, 2, request, TIMEOUT_MS);
    expect(markers[0]!.topics[0]!.partitions).toHaveLength(2);
  });

  it("is certainly not done if no broker answers there, or it does not serve the API", async () => {
    const { one, two, buses } = pair();
    const ask = () => one.call(Marks, 2, MARK, TIMEOUT_MS);
    const notDone = { name: "RpcError", kind: "not-done" };
    await expect(ask()).rejects.toMatchObject(notDone);
    const stop = two.serve(Marks, async () => ({ done: 1 }));
    expect(await ask()).toMatchObject({ done: 1 });
    stop();
    await expect(ask()).rejects.toMatchObject(notDone);
    two.serve(Marks, async () => ({ done: 2 }));
    stop();
    expect(await ask()).toMatchObject({ done: 2 });
    buses[1].cut = true;
    await expect(ask()).rejects.toMatchObject(notDone);
    expect(said).toEqual([]);
  });

  it("has an unknown outcome if the answer is late, or the other broker has a bug", async () => {
    const { one, two, time } = pair();
    two.serve(Marks, () => new Promise(() => {}));
    const late = expect(one.call(Marks, 2, MARK, TIMEOUT_MS)).rejects;
    time.advance(TIMEOUT_MS);
    await late.toMatchObject({ kind: "unknown" });
    two.serve(Marks, () => Promise.reject(new TypeError("a bug")));
    const failed = expect(one.call(Marks, 2, MARK, TIMEOUT_MS)).rejects;
    await failed.toMatchObject({ kind: "unknown", message: expect.stringContaining("its log") });
    expect(said).toEqual([expect.stringContaining("WriteMarks for another broker failed")]);
  });

  it("has an unknown outcome if the answer does not parse", async () => {
    const { one, buses } = pair({ serve: false });
    for (const answer of [[], [0], [0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [255, 255, 255]]) {
      buses[1].serve("tarpan.rpc.2", async () => new Uint8Array(answer));
      const asking = one.call(Marks, 2, MARK, TIMEOUT_MS);
      await expect(asking).rejects.toMatchObject({ kind: "unknown" });
    }
  });
});

describe("brokers of two releases", () => {
  it("call each other in the highest version that both speak", () =>
    releasesTalk((nodeId, bus) => rpcOn(bus, nodeId, new ManualTime()), busesOf()));

  it("learn the other's versions from its answers, and repeat a call only once", async () => {
    const { one, two, buses } = pair();
    const asked = countRequests(buses[0]);
    const old = two.serve(MarksOfOld, async () => ({ done: 1 }));
    await one.call(Marks, 2, MARK, TIMEOUT_MS);
    expect(asked.splice(0)).toHaveLength(2);
    await one.call(Marks, 2, MARK, TIMEOUT_MS);
    expect(asked.splice(0)).toHaveLength(1);
    // The broker is upgraded: the next call is still in the old version.
    old();
    const coordinatorEpochs: number[] = [];
    two.serve(Marks, async ({ coordinatorEpoch }) => {
      coordinatorEpochs.push(coordinatorEpoch);
      return { done: 1, epoch: coordinatorEpoch };
    });
    await one.call(Marks, 2, MARK, TIMEOUT_MS);
    expect(await one.call(Marks, 2, MARK, TIMEOUT_MS)).toEqual({ done: 1, epoch: 7 });
    expect(coordinatorEpochs).toEqual([-1, 7]);
    expect(asked.splice(0)).toHaveLength(2);
    // The broker is downgraded again.
    two.serve(MarksOfOld, async () => ({ done: 1 }));
    expect(await one.call(Marks, 2, MARK, TIMEOUT_MS)).toEqual({ done: 1, epoch: -1 });
    expect(asked).toHaveLength(2);
  });

  it("refuse a call if they have no version in common", async () => {
    const { one, two } = pair();
    let done = 0;
    two.serve(MarksOfOld, async () => ({ done: ++done }));
    const Later = api({ ...Marks, versions: "1-2" });
    const asking = one.call(Later, 2, MARK, TIMEOUT_MS);
    await expect(asking).rejects.toMatchObject({ kind: "not-done" });
    await expect(asking).rejects.toThrow("it speaks WriteMarks in versions 0");
    expect(done).toBe(0);
  });

  it("read each other's heartbeats, whose tagged fields one of them does not know", async () => {
    const { one, two, buses } = pair();
    const heard: unknown[] = [];
    onHeartbeats(two, (beat) => heard.push(beat));
    const fields = { ...BrokerHeartbeat.fields, mood: i16.default(0).tag(9, "0+") };
    const Later = { ...BrokerHeartbeat, fields };
    const moods: number[] = [];
    one.subscribe(Later, ({ mood }) => moods.push(mood));
    sendHeartbeat(one, BEAT);
    one.publish(Later, {
      ...{ brokerId: 1, incarnationId: "life", controllerEpoch: 4, metadataEnd: 9 },
      ...{ clusterId: null, followerRead: true, nodeName: "a", mood: 3 },
    });
    expect(buses[1].listeners.size).toBe(1);
    await settled();
    expect(heard).toEqual([
      BEAT,
      { ...BEAT, controllerEpoch: 4, metadataEnd: 9, clusterId: null, name: "a" },
    ]);
    expect(moods).toEqual([0, 3]);
    expect(said).toEqual([]);
  });
});

describe("a frame that does not parse", () => {
  beforeEach(() => void said.splice(0));

  it("is refused if it is a call, and logged once a minute", async () => {
    const { two, buses } = pair();
    let done = 0;
    two.serve(Marks, async () => ({ done: ++done }));
    const ask = (frame: Uint8Array) => buses[0].request("tarpan.rpc.2", frame, TIMEOUT_MS);
    for (const frame of [...torn(), new TextEncoder().encode('{"method":"x"}')]) {
      const answer = await ask(frame);
      expect([answer[0], answer[1]]).not.toEqual([0, 0]);
    }
    expect(done).toBe(0);
    expect(said.filter((line) => line.includes("a call from another broker"))).toHaveLength(1);
    expect(said.filter((line) => line.includes("WriteMarks from another"))).toHaveLength(1);
    expect(said).toHaveLength(2);
    expect(await two.call(Marks, 2, MARK, TIMEOUT_MS)).toMatchObject({ done: 1 });
  });

  it("is no heartbeat, and later heartbeats arrive", async () => {
    const { one, two, buses } = pair();
    const heard: unknown[] = [];
    onHeartbeats(two, (beat) => heard.push(beat));
    const ofTheFuture = new Uint8Array([0x27, 0x10, 0, 1, 0, 0, 0, 0, 1]);
    for (const frame of [new Uint8Array(0), new Uint8Array([1]), ofTheFuture]) {
      buses[0].publish("tarpan.rpc.all.BrokerHeartbeat", frame);
    }
    sendHeartbeat(one, BEAT);
    await settled();
    expect(heard).toEqual([BEAT]);
    expect(said).toEqual([expect.stringContaining("BrokerHeartbeat from another broker")]);
  });
});

const MARK = { producerId: 2n ** 62n, batch: new Uint8Array([1, 2]), coordinatorEpoch: 7 };

/** A call cut off after each of its bytes. */
function torn(): Uint8Array[] {
  const writer = new Writer();
  for (const part of [Marks.key, 1]) writer.i16(part);
  for (const byte of [0, 0, 0]) writer.i8(byte);
  const whole = writer.join();
  return Array.from(whole, (_, length) => whole.subarray(0, length)).concat([whole]);
}

function busesOf(): [MemoryBus, MemoryBus] {
  const network = new MemoryNetwork(new ManualTime(), 0);
  return [network.bus("1"), network.bus("2")];
}

/** Brokers 1 and 2. */
function pair({ serve = true } = {}) {
  const time = new ManualTime();
  const network = new MemoryNetwork(time, 0);
  const buses = [network.bus("1"), network.bus("2")] as const;
  const rpcs = buses.map((bus, at) => rpcOn(bus, at + 1, time, logger)) as [Rpc, Rpc];
  if (!serve) rpcs[1].close();
  return { time, buses, one: rpcs[0], two: rpcs[1] };
}

function countRequests(bus: MemoryBus): string[] {
  const subjects: string[] = [];
  const request = bus.request.bind(bus);
  bus.request = (subject, ...rest) => {
    subjects.push(subject);
    return request(subject, ...rest);
  };
  return subjects;
}

/** A memory network without latency delivers in microtasks. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await null;
}
