import { readdir } from "node:fs/promises";
import { join } from "node:path";
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
