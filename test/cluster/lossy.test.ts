import { readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { RecordedRun } from "./load/recorded-run.ts";

const CUT_BYTES = 2_000;
const broker = useBroker({ flags: ["--kafka", "group.initial.rebalance.delay.ms=100"] });

it("finds lost records and offsets when the ends of logs are cut off", async () => {
  const { bootstrap } = broker;
  const run = await RecordedRun.begin({ bootstrap: [bootstrap], topic: "lossy", replicas: 1 });
  await broker.kill9();
  for (const directory of await readdir(broker.dataDirectory)) {
    if (!/^lossy-\d+$/.test(directory)) continue;
    const log = join(broker.dataDirectory, directory, "00000000000000000000.log");
    await truncate(log, (await stat(log)).size - CUT_BYTES);
  }
  await broker.start();
  await run.progress();
  const told = await run.finish().then(String, (error: Error) => error.message);
  for (const kind of ["lost-write", "inconsistent-offsets", "committed-back"])
    expect(told).toContain(kind);
  const [, path] = /the history is in (\S+)/.exec(told)!;
  expect(await readFile(path!, "utf8")).toContain(":f :send");
  await rm(dirname(path!), { recursive: true });
});
