// What commands print about partitions with damaged records, and about offline ones.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker } from "@tarpan/broker";
import { readBatchHeader } from "@tarpan/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tarpan } from "./run-command.ts";

const directory = mkdtempSync(join(tmpdir(), "tarpan-damaged-"));
const configs = { "group.initial.rebalance.delay.ms": 0 };
let broker: Broker;

const at = (...argv: string[]) => tarpan([...argv, "--bootstrap", broker.bootstrap]);
const logOf = (name: string) => join(directory, name, "00000000000000000000.log");

/**
 * t-0 has three batches of two records, the second damaged; t-1 one record; gone-1 can't be opened.
 */
beforeAll(async () => {
  broker = await Broker.start({ dataDir: directory, configs });
  await at("topic", "create", "t", "gone", "--partitions", "2");
  for (const value of ["a", "b", "c"])
    await at("produce", "t", "-p", "0", "-m", value, "--count", "2");
  await at("produce", "t", "-p", "1", "-m", "other");
  await broker.stop();
  const bytes = readFileSync(logOf("t-0"));
  bytes[readBatchHeader(bytes).sizeBytes + 70]! ^= 1;
  writeFileSync(logOf("t-0"), bytes);
  rmSync(logOf("gone-1"));
  mkdirSync(logOf("gone-1"));
  broker = await Broker.start({ dataDir: directory, configs });
});

afterAll(async () => {
  await broker.stop();
  rmSync(directory, { recursive: true });
});

const DAMAGE = "t-0: offsets 2 to 3 are damaged or missing; continue after them with:";

test("consume -e prints the records that can be read, and says how to continue", async () => {
  const { code, stdout, stderr } = await at("consume", "t", "-e");
  expect(stdout.split("\n").sort().join(" ").trim()).toBe("a a other");
  const goOn = "--partition 0 --offset 4";
  expect({ code, stderr }).toEqual({ code: 1, stderr: `tarpan: ${DAMAGE} ${goOn}\n` });
  const rest = await at("consume", "t", "-e", ...goOn.split(" "));
  expect(rest).toEqual({ code: 0, stdout: "c\nc\n", stderr: "" });
});

test("consume --group does the same", async () => {
  const read = await at("consume", "t", "-e", "--group", "g");
  const goOn = "group reset-offsets g --topic t:0 --to-offset 4 --execute";
  expect(read).toMatchObject({ code: 1, stderr: `tarpan: ${DAMAGE} tarpan ${goOn}\n` });
  expect((await at(...goOn.split(" "))).code).toBe(0);
  const rest = await at("consume", "t", "-e", "--group", "g");
  expect(rest).toMatchObject({ code: 0, stderr: "" });
  expect(read.stdout + rest.stdout).toMatch(/a\na\n.*c\nc\n/s);
});

test("topic describe shows online and offline partitions", async () => {
  const { code, stdout } = await at("topic", "describe", "gone");
  expect(code).toBe(0);
  const rows = stdout.split("\n").slice(2);
  expect(rows[0]).toMatch(/^0 +\d+ .* 0 +0$/);
  expect(rows[1]).toMatch(/^1 .* - +- +offline: .*(KAFKA_STORAGE_ERROR|LEADER_NOT_AVAILABLE)/);
});
