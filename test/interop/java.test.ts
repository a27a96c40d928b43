import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Client, TransactionalProducer } from "@tarpan/client";
import { expect } from "vitest";
import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { batchOf, CODECS, createTopic, produce } from "../harness/records.ts";
import { run } from "../harness/run.ts";
import { programPeer, SAMPLE } from "./peer.ts";
import * as suite from "./suite.ts";

const { broker, address } = useClientBroker();
const java = peer("java");
const options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-XX:TieredStopAtLevel=1"];
const classPath = ["-cp", java.classPath];
const ask = programPeer(java, [...options, ...classPath, "Peer"], address);

suite.administers(java.it, ask);
suite.producesExactly(java.it, address, ask);
suite.consumesExactly(java.it, address, ask);
suite.skipsGaps(java.it, address, ask);
suite.findsOffsets(java.it, address, ask);
suite.deletesRecords(java.it, address, ask);

java.it("Kafka's admin client describes and updates a feature", async () => {
  expect(await ask("features", "", { feature: "transaction.version" })).toEqual({
    levels: [2, 2, 0, 2],
    refusedUpgrade: "InvalidUpdateVersionException",
    ...{ askedOnly: "done", downgrade: "done", upgrade: "done" },
  });
});

java.it("Kafka's own DumpLogSegments finds nothing wrong with a partition's files", async () => {
  const connection = await RawConnection.open(broker.port);
  await createTopic(connection, "dumped");
  for (let round = 0; round < 40; round++) {
    const codec = CODECS[round % CODECS.length]!;
    expect((await produce(connection, "dumped", batchOf(SAMPLE, codec))).errorCode).toBe(0);
  }
  connection.close();
  await broker.stop();
  const directory = join(broker.dataDirectory, "dumped-0");
  const names = (await readdir(directory)).filter((name) => /\.(log|index|timeindex)$/.test(name));
  expect(names).toHaveLength(3);
  const files = names.map((name) => join(directory, name)).join(",");
  const tool = ["kafka.tools.DumpLogSegments", "--deep-iteration", "--print-data-log"];
  const dump = await run(java.path, [...options, ...classPath, ...tool, "--files", files]);
  expect(dump.stderr + dump.stdout).not.toMatch(/exception|mismatch|corrupt|non-consecutive/i);
  expect(dump.code).toBe(0);
  const offsets = [...dump.stdout.matchAll(/^\| offset: (\d+)/gm)].map((match) => Number(match[1]));
  expect(offsets).toEqual(Array.from({ length: 40 * SAMPLE.length }, (_, index) => index));
  await broker.start();
});

java.it("DumpLogSegments reads a partition's producers and aborted transactions", async () => {
  const connection = await RawConnection.open(broker.port);
  await createTopic(connection, "transacted", { configs: { "segment.bytes": `${1 << 20}` } });
  connection.close();
  const client = new Client({ bootstrap: broker.bootstrap });
  const [ended, open] = ["ended", "open"].map((transactionalId) => {
    return new TransactionalProducer(client, { transactionalId });
  });
  const sendTo = (producer: TransactionalProducer) =>
    producer.send({ topic: "transacted", partition: 0, value: Buffer.alloc(400_000) });
  for (let round = 0; round < 4; round++) {
    await ended!.begin();
    await sendTo(ended!);
    if (round % 2 === 0) await ended!.commit();
    else await ended!.abort();
  }
  await open!.begin();
  await sendTo(open!);
  await broker.stop();
  await client.close();
  const directory = join(broker.dataDirectory, "transacted-0");
  const names = (await readdir(directory)).filter((name) => /\.(snapshot|txnindex)$/.test(name));
  const files = names.map((name) => join(directory, name)).join(",");
  const tool = ["kafka.tools.DumpLogSegments", "--files", files];
  const dump = await run(java.path, [...options, ...classPath, ...tool]);
  expect(dump.code).toBe(0);
  expect(dump.stderr + dump.stdout).not.toMatch(/exception|corrupt|schema/i);
  // Records and markers alternate, so the second one of two transactions was aborted.
  const aborted = [...dump.stdout.matchAll(/firstOffset: (\d+) lastOffset: (\d+) lastStable/g)];
  expect(aborted.map(([, first, last]) => [Number(first), Number(last)])).toEqual([
    [2, 3],
    [6, 7],
  ]);
  const newest = dump.stdout.slice(dump.stdout.lastIndexOf("Dumping "));
  expect(newest).toMatch(/00009\.snapshot/);
  const known = [...newest.matchAll(/currentTxnFirstOffset: (\w+)(?:\[(\d+)])?.*?(?:\n|$)/g)];
  expect(known.map(([, , first]) => first).sort()).toEqual(["8", undefined]);
  expect(newest).toMatch(/coordinatorEpoch: 0 currentTxnFirstOffset: OptionalLong.empty/);
  await broker.start();
});
