import { describe, expect, it } from "vitest";
import { readBrokerOptions } from "../../src/config/broker-options.ts";
import { Broker } from "../../src/runtime/embedded.ts";
import { startBroker } from "../../src/runtime/start-broker.ts";

/** Options as from JavaScript, which no compiler has checked. */
const read = (options: unknown) => readBrokerOptions(options as never).settings;

describe("Broker.start's flush", () => {
  it("may be a string or an object", () => {
    for (const mode of ["always", "never"] as const) {
      expect(read({ dataDir: "d", flush: mode }).flush).toEqual({ mode });
      expect(read({ dataDir: "d", flush: { mode } }).flush).toEqual({ mode });
    }
    expect(read({ flush: "interval" }).flush).toEqual({ mode: "interval", intervalMs: 1000 });
    const policy = { mode: "interval", intervalMs: 20 };
    expect(read({ flush: policy }).flush).toEqual(policy);
    expect(read({}).flush).toEqual({ mode: "always" });
  });
});

const REFUSED: readonly [options: unknown, message: string][] = [
  [{ flush: "alway" }, 'flush: must be always | interval | never, not "alway"'],
  [{ flush: true }, "flush: must be always | interval | never, not true"],
  [{ flush: null }, "flush: must be a plain object, not null"],
  [{ flush: {} }, "flush: mode: must be always | interval | never, not undefined"],
  [
    { flush: { mode: "interval", intervalMs: 0 } },
    "flush: intervalMs: must be 1 to 2147483647, not 0",
  ],
  [
    { flush: { mode: "always", intervalMs: 5 } },
    'flush: intervalMs: needs mode "interval" with it',
  ],
  [
    { flush: { mode: "interval", interval: 5 } },
    'flush: unknown option "interval"; did you mean "intervalMs"?',
  ],
  [{ data_dir: "./d" }, 'unknown option "data_dir"; did you mean "dataDir"?'],
  [{ ports: 1 }, 'unknown option "ports"; did you mean "port"?'],
  [{ zzz: 1 }, 'unknown option "zzz"; known are port, host, storage, dataDir, flush'],
  [{ port: 70_000 }, "port: must be 0 to 65535, not 70000"],
  [{ port: 1.5 }, "port: must be a whole number, 0 to 65535, not 1.5"],
  [{ host: "" }, 'host: must be a text, not ""'],
  [{ nodeId: -1 }, "nodeId: must be 0 to 2147483647, not -1"],
  [{ storage: "files" }, 'storage: must be memory | segment, not "files"'],
  [{ storage: "segment" }, 'storage: "segment" needs a dataDir'],
  [{ storage: "memory", dataDir: "./d" }, 'dataDir: storage "memory" keeps nothing'],
  [{ configs: ["num.partitions=3"] }, "configs: must be a plain object"],
  [
    { configs: { "num.partitions": null } },
    "configs: num.partitions: must be a string, a number or a boolean, not null",
  ],
  [
    { configs: { "sasl.enabled.mechanisms": "PLAIN" } },
    "listeners: sasl.enabled.mechanisms is set",
  ],
  [{ configs: { listeners: "SSL://:1" } }, "listeners: a listener with TLS needs a certificate"],
  [{ port: 2, configs: { listeners: "PLAINTEXT://:1" } }, "configs: listeners: says 1, and port"],
  [{ nodeId: 1, configs: { "node.id": 2 } }, "configs: node.id: says 2, and nodeId says 1"],
  [{ logger: { info() {} } }, 'logger: has no function "debug"'],
  ["./data", 'must be a plain object, not "./data"'],
  [Object.create({ flush: "always" }), "must be a plain object"],
  [{ port: 1n }, "port: must be a whole number, 0 to 65535, not 1n"],
  [
    { configs: { "num.partitions": 3n } },
    "configs: num.partitions: must be a string, a number or a boolean, not 3n",
  ],
  [{ dataDir: 5 }, "dataDir: must be a text, not 5"],
];

it.each(REFUSED)("refuses %o and says what is wrong", async (options, message) => {
  const start = Broker.start(options as never);
  await expect(start).rejects.toMatchObject({
    code: "TARPAN_CONFIG",
    message: expect.stringContaining(`Broker.start: ${message}`),
  });
});

it("refuses Kafka configs that are unknown or out of range", async () => {
  const start = (configs: Record<string, number>) => Broker.start({ configs });
  await expect(start({ "num.partition": 3 })).rejects.toThrow("num.partitions");
  await expect(start({ "num.partitions": 0 })).rejects.toMatchObject({ code: "TARPAN_CONFIG" });
});

it("accepts Kafka configs in place of its own options", () => {
  const configs = { "log.dirs": "./d", "node.id": 7, listeners: "PLAINTEXT://127.0.0.1:1" };
  const { settings, nodeIdGiven } = readBrokerOptions({ configs });
  expect(settings).toMatchObject({
    storage: "segment",
    dataDirectory: "./d",
    nodeId: 7,
    bindAddress: "127.0.0.1",
    bindPort: 1,
    kafkaConfigs: {},
  });
  expect(nodeIdGiven).toBe(true);
});

it("warns of configs that have no effect", async () => {
  const warnings: string[] = [];
  const none = () => {};
  const warn = (line: string) => warnings.push(line);
  const logger = { debug: none, info: none, warn, error: none };
  const configs = { "num.network.threads": 2, "num.io.threads": 1 };
  await (await Broker.start({ configs, logger })).stop();
  expect(warnings).toEqual([expect.stringMatching(/^no effect: num.io.threads, num.network/)]);
});

it("treats an undefined option as not given", () => {
  expect(read({ port: undefined, flush: undefined })).toEqual(read({}));
});

it("has a second check: startBroker also refuses an invalid flush policy", async () => {
  const settings = { ...read({}), flush: "always" as never };
  await expect(startBroker(settings)).rejects.toMatchObject({
    code: "TARPAN_CONFIG",
    message: "flush: its mode must be always | interval | never",
  });
});
