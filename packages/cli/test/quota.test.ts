// Whole command lines about quotas against a real broker, in this process.
import { Broker } from "@tarpan/broker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tarpan } from "./run-command.ts";

let broker: Broker;

beforeAll(async () => {
  broker = await Broker.start({});
});

afterAll(() => broker.stop());

const at = (...argv: string[]) => tarpan(["quota", ...argv, "--bootstrap", broker.bootstrap]);

test("quotas are set, listed and removed", async () => {
  expect(await at("list")).toMatchObject({ stdout: "", code: 0 });
  const rates = ["--quota", "producer_byte_rate=1000", "--quota", "request_percentage=2.5"];
  expect(await at("set", "--user", "a", "--default-client-id", ...rates)).toEqual({
    ...{ code: 0, stderr: "" },
    stdout:
      "user a, default client-id: producer_byte_rate=1000\n" +
      "user a, default client-id: request_percentage=2.5\n",
  });
  const ip = ["--ip", "10.0.0.1", "--quota", "connection_creation_rate=5"];
  expect(await at("set", ...ip)).toMatchObject({ code: 0 });
  const { stdout } = await at("list");
  expect(stdout).toMatch(/ip 10\.0\.0\.1 +connection_creation_rate +5\n/);
  expect(stdout).toMatch(/user a, default client-id +request_percentage +2\.5\n/);
  const removed = await at("remove", "--ip", "10.0.0.1", "--quota", "connection_creation_rate");
  expect(removed.stdout).toBe("ip 10.0.0.1: connection_creation_rate removed\n");
  expect((await at("list")).stdout).not.toContain("10.0.0.1");
});

test.each([
  ["set --quota producer_byte_rate=1", "name a --user, a --client-id or an --ip"],
  ["set --user a", "--quota is missing"],
  ["set --user a --default-user --quota request_percentage=1", "exclude each other"],
  ["set --user a --quota producer_byte_rate", "it must be like producer_byte_rate=1048576"],
  ["set --user a --quota producer_byte_rate=0", "it must be like"],
  ["set --user a --ip 10.0.0.1 --quota producer_byte_rate=1", "can't be combined"],
  ["remove --user aa --quota producer_byte_rate", "user aa has no quota producer_byte_rate; list"],
  ["set --user a --quota connection_creation_rate=1", "there is no quota connection_creation_rate"],
])("%s is refused", async (line, why) => {
  const { code, stderr } = await at(...line.split(" "));
  expect([code, stderr.includes(why)], stderr).toEqual([expect.any(Number), true]);
  expect(code).not.toBe(0);
});
