// What commands print while a broker is down or refuses records, and how they end.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Broker } from "@tarpan/broker";
import { Admin, Client } from "@tarpan/client";
import { ErrorCode, InitProducerId, Produce } from "@tarpan/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ScriptedBrokers, scriptedBrokers } from "../../client/test/scripted-brokers.ts";
import { RunningCommand } from "./run-command.ts";

describe("a broker that stops and starts again", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "tarpan-outage-"));
  afterEach(() => rmSync(dataDir, { recursive: true }));

  test("is reported once by each of produce, consume and consume --group", async () => {
    const options = { dataDir, configs: { "group.initial.rebalance.delay.ms": 0 } };
    let broker = await Broker.start(options);
    const at = ["--bootstrap", broker.bootstrap];
    const stdin = new PassThrough();
    stdin.write("before\n");
    const produce = new RunningCommand(["produce", "t", ...at], { stdin });
    await stored(broker.bootstrap, 1);
    const readers = [
      new RunningCommand(["consume", "t", ...at, "-c", "2"]),
      new RunningCommand(["consume", "t", ...at, "-c", "2", "--group", "g"]),
    ];
    for (const reader of readers) await reader.printed(/before/);
    await broker.stop();
    stdin.end("meanwhile\n");
    const all = [produce, ...readers];
    for (const command of all)
      await command.logged(/: still trying after 2 s: .*is the broker running\?/);
    broker = await Broker.start({ ...options, port: Number(broker.bootstrap.split(":")[1]) });
    const ends = await Promise.all(all.map(({ done }) => done));
    for (const { code, stderr } of ends) {
      expect(code).toBe(0);
      expect(stderr).toMatch(/^tarpan: .*still trying.*\ntarpan: it works again, after \d s\n$/);
    }
    expect(ends.map(({ stdout }) => stdout)).toEqual([
      "sent 2 records to t-0 at offsets 0 to 1\n",
      "before\nmeanwhile\n",
      "before\nmeanwhile\n",
    ]);
    await broker.stop();
  });
});

describe("a broker whose disk is full", () => {
  let brokers: ScriptedBrokers;
  let bootstrap: string;
  let refused: Promise<void>;

  beforeEach(async () => {
    let tell = () => {};
    refused = new Promise((resolve) => {
      tell = resolve;
    });
    const offered = [[InitProducerId, 4] as const, [Produce, 9] as const];
    const partition = {
      offlineReplicas: [],
      errorCode: 0,
      partitionIndex: 0,
      leaderId: 1,
      leaderEpoch: 0,
      replicaNodes: [1],
      isrNodes: [1],
    };
    const topics = [{ errorCode: 0, name: "t", partitions: [partition] }];
    brokers = await scriptedBrokers(
      1,
      offered,
      () => topics,
      (api) => {
        if (api !== Produce) return { errorCode: 0, producerId: 1, producerEpoch: 0 };
        tell();
        const refusal = { index: 0, baseOffset: -1, errorCode: ErrorCode.KAFKA_STORAGE_ERROR };
        return { responses: [{ name: "t", partitionResponses: [refusal] }] };
      },
    );
    const [broker] = (await brokers.client.cluster()).brokers.values();
    bootstrap = `127.0.0.1:${broker!.port}`;
  });

  afterEach(() => brokers.close());

  test("is reported, and produce gives up after --timeout", async () => {
    const argv = ["produce", "t", "-m", "x", "--timeout", "3s", "-b", bootstrap];
    const { code, stdout, stderr } = await new RunningCommand(argv).done;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const refusal = /\(KAFKA_STORAGE_ERROR\); the broker's disk may be full/;
    expect(stderr.match(new RegExp(refusal, "g"))).toHaveLength(1);
    expect(stderr).toMatch(/^tarpan: sending to t-0: still trying after 2 s: t-0: .*\n/);
    expect(stderr).toMatch(/\ntarpan: t-0: not delivered within 3000 ms: .*\n$/);
  });

  test("two interrupts end produce without waiting for it", async () => {
    const produce = new RunningCommand(["produce", "t", "-m", "x", "-b", bootstrap]);
    await refused;
    produce.signal("SIGINT");
    produce.signal("SIGINT");
    expect(await produce.done).toEqual({
      ...{ code: 1, stdout: "" },
      stderr: "tarpan: interrupted: 1 record may be stored, or not\n",
    });
  });
});

describe("records from standard input", () => {
  let broker: Broker;
  beforeEach(async () => {
    broker = await Broker.start();
  });
  afterEach(async () => {
    vi.useRealTimers();
    await broker.stop();
  });

  test("Ctrl-C sends complete lines, and says where they are stored", async () => {
    const stdin = new PassThrough();
    const produce = new RunningCommand(["produce", "t", "-b", broker.bootstrap], { stdin });
    stdin.write("one\ntwo\nhalf a li");
    await stored(broker.bootstrap, 2);
    produce.signal("SIGINT");
    const stdout = "sent 2 records to t-0 at offsets 0 to 1\n";
    expect(await produce.done).toEqual({ code: 0, stdout, stderr: "" });
  });

  test.each([true, false])(
    "progress is drawn unless standard input is a terminal: %j",
    async (is) => {
      const stdin = new PassThrough();
      const terminal = { stdin: is, stderr: true };
      vi.useFakeTimers({ toFake: ["performance"] });
      const argv = ["produce", "t", "-b", broker.bootstrap];
      const produce = new RunningCommand(argv, { stdin, terminal });
      stdin.write("one\n");
      await stored(broker.bootstrap, 1);
      vi.advanceTimersByTime(5_000);
      stdin.write("two\n");
      await stored(broker.bootstrap, 2);
      stdin.end();
      const { stderr } = await produce.done;
      if (is) expect(stderr).toBe("one record per line; end with Ctrl-D\n");
      else expect(stderr).toContain("\r1 record sent, ");
    },
  );
});

/** Resolves once t-0 has this many records. */
async function stored(bootstrap: string, count: number): Promise<void> {
  const client = new Client({ bootstrap });
  const admin = new Admin(client);
  const at = { topic: "t", partition: 0 };
  while ((await admin.offset(at, "latest").catch(() => 0)) < count) await new Promise(setImmediate);
  await client.close();
}
