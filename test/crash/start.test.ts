import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { BrokerProcess, tarpanProgram, useBroker } from "../harness/broker-process.ts";
import { mountTmpfs } from "../harness/mount.ts";
import { run } from "../harness/run.ts";
import { temporaryDirectory } from "../harness/temp.ts";

const broker = useBroker();

/** Starts a broker that must refuse to run; resolves to its only line of output. */
async function refusal(...flags: string[]): Promise<string> {
  const port = flags.includes("--bind-port") ? [] : ["--bind-port", "0"];
  const args = [tarpanProgram, "broker", ...port, ...flags];
  const { code, stdout, stderr } = await run(process.execPath, args, { timeoutMs: 20_000 });
  expect(code, `${stdout}${stderr}`).toBeGreaterThan(0);
  const lines = `${stdout}${stderr}`.trim().split("\n");
  expect(lines).toHaveLength(1);
  return lines[0]!;
}

it("refuses a data directory that another broker is using", async () => {
  expect(await refusal("--data-dir", broker.dataDirectory)).toContain(broker.dataDirectory);
  // The first broker still works.
  await expect(fetch(`http://${broker.bootstrap}/health`)).resolves.toMatchObject({ status: 200 });
});

it("refuses a data directory that is a file", async () => {
  const path = join(await temporaryDirectory(), "file");
  await writeFile(path, "");
  expect(await refusal("--data-dir", path)).toContain(path);
});

it("refuses a data directory that can't be written", async (context) => {
  const path = await mountTmpfs("ro");
  if (path === null) context.skip("mounting a file system is not permitted here");
  expect(await refusal("--data-dir", path!)).toContain(path);
});

it("refuses a port in use", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const dataDirectory = await temporaryDirectory();
  const line = await refusal("--data-dir", dataDirectory, "--bind-port", String(port));
  expect(line).toContain(String(port));
  server.close();
});

it("refuses unknown flags, configs and keys, and names the nearest known key", async () => {
  const directory = await temporaryDirectory();
  const dataDir = ["--data-dir", directory];
  expect(await refusal(...dataDir, "--no-such-flag", "1")).toContain("no-such-flag");
  expect(await refusal(...dataDir, "--kafka", "num.partition=1")).toContain("num.partitions");
  const config = join(directory, "broker.yaml");
  await writeFile(config, "bind_prt: 9092\n");
  expect(await refusal(...dataDir, "--config", config)).toMatch(/bind_prt.*bind_port/);
  await writeFile(config, "bind_port: many\n");
  expect(await refusal(...dataDir, "--config", config)).toContain("bind_port");
});

it("refuses a missing configuration file", async () => {
  const path = join(await temporaryDirectory(), "none.yaml");
  expect(await refusal("--config", path)).toContain(path);
});

it("ends with 0 when it is asked to stop, and restarts with its data", async () => {
  const stopped = new BrokerProcess();
  await stopped.start();
  expect(await stopped.stop()).toBe(0);
  await stopped.start();
  expect(await stopped.stop()).toBe(0);
});
