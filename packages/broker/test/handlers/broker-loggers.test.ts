import {
  AlterConfigs,
  ConsumerGroupHeartbeat,
  DescribeConfigs,
  ErrorCode,
  FindCoordinator,
  IncrementalAlterConfigs,
} from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { ConfigSource } from "../../src/config/kafka/describe.ts";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { LogLevels } from "../../src/logging/log-levels.ts";
import type { Logger } from "../../src/logging/logger.ts";
import { WholeBroker } from "./whole-broker.ts";

const { INVALID_REQUEST, INVALID_CONFIG, NONE } = ErrorCode;
const SET = 0;
const DELETE = 1;
const APPEND = 2;

/** A logger whose level can be changed, and the lines that it was given. */
function changeable() {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  const base = { level: "info", debug: at("debug"), info: at("info"), warn: at("warn") };
  const logger: Logger = {
    ...{ ...base, error: at("error") },
    setLevel: (level) => void lines.push(`lowest level: ${level}`),
  };
  return { lines, logger };
}

async function started(logger: Logger) {
  const broker = await WholeBroker.startWith({ logger });
  const alter = async (
    changes: readonly [name: string, operation: number, value: string | null][],
    { id = "1", validateOnly = false } = {},
  ) => {
    const configs = changes.map(([name, configOperation, value]) => {
      return { name, configOperation, value };
    });
    const resource = { resourceType: ResourceType.brokerLogger, resourceName: id, configs };
    const request = { resources: [resource], validateOnly };
    const { responses } = await broker.call(IncrementalAlterConfigs, 1, request);
    return responses[0]!;
  };
  const levels = async () => {
    const resources = [
      { resourceType: ResourceType.brokerLogger, resourceName: "1", configurationKeys: null },
    ];
    const { results } = await broker.call(DescribeConfigs, 4, { resources });
    expect(results[0]?.errorCode).toBe(NONE);
    for (const config of results[0]!.configs) {
      expect(config).toMatchObject({ configSource: ConfigSource.brokerLogger, readOnly: false });
    }
    return Object.fromEntries(results[0]!.configs.map(({ name, value }) => [name, value]));
  };
  return { broker, alter, levels };
}

describe("levels of loggers", () => {
  it("are those of root, until they get their own", async () => {
    const { lines, logger } = changeable();
    const { broker, alter, levels } = await started(logger);
    expect(await levels()).toMatchObject({ root: "INFO", "tarpan.groups": "INFO" });
    expect((await alter([["tarpan.groups", SET, "DEBUG"]])).errorCode).toBe(NONE);
    expect(await levels()).toMatchObject({ root: "INFO", "tarpan.groups": "DEBUG" });
    expect(lines).toContain("lowest level: debug");
    expect(lines).toContain("warn: the log level of tarpan.groups is DEBUG now");
    await broker.createTopic("t");
    await broker.call(FindCoordinator, 4, { key: "", keyType: 0, coordinatorKeys: ["g"] });
    const heartbeat = { groupId: "g", memberId: "m", memberEpoch: 0, rebalanceTimeoutMs: 1_000 };
    const joining = { ...heartbeat, subscribedTopicNames: ["t"], topicPartitions: [] };
    const { errorCode, memberEpoch } = await broker.call(ConsumerGroupHeartbeat, 1, joining);
    expect(errorCode).toBe(NONE);
    await broker.call(ConsumerGroupHeartbeat, 1, { ...heartbeat, memberEpoch });
    const isHeartbeat = (line: string) => line.startsWith("debug: ") && /Heartbeat/.test(line);
    expect(lines.filter(isHeartbeat)).not.toEqual([]);
    lines.length = 0;
    const changes = [
      ["tarpan.groups", DELETE, null],
      ["root", SET, "ERROR"],
    ] as const;
    expect((await alter([...changes] as never)).errorCode).toBe(NONE);
    expect(await levels()).toMatchObject({ root: "ERROR", "tarpan.groups": "ERROR" });
    await broker.call(ConsumerGroupHeartbeat, 1, { ...heartbeat, memberEpoch });
    await broker.call(ConsumerGroupHeartbeat, 1, { ...heartbeat, memberEpoch: -1 });
    // The change of root is a warning, which root does not write any more.
    expect(lines.filter((line) => !line.startsWith("lowest"))).toEqual([
      "warn: the log level of tarpan.groups is that of root now",
    ]);
  });

  it("are not changed by a validation, or if one change is wrong", async () => {
    const { alter, levels } = await started(changeable().logger);
    const ok = await alter([["root", SET, "WARN"]], { validateOnly: true });
    expect(ok.errorCode).toBe(NONE);
    const half = await alter([
      ["root", SET, "WARN"],
      ["tarpan.none", SET, "WARN"],
    ]);
    expect(half.errorCode).toBe(INVALID_CONFIG);
    expect((await levels()).root).toBe("INFO");
  });

  it.each([
    [["none", SET, "INFO"], INVALID_CONFIG, /^there is no logger none; there are root, tarpan/],
    [["none", DELETE, null], INVALID_CONFIG, /^there is no logger none/],
    [["root", SET, "info"], INVALID_CONFIG, /can't be info: it must be TRACE, DEBUG, INFO/],
    [["root", SET, null], INVALID_CONFIG, /can't be null/],
    [["root", DELETE, null], INVALID_REQUEST, /can't be deleted$/],
    [["root", APPEND, "INFO"], INVALID_REQUEST, /can only be set or deleted$/],
  ] as const)("refuse %j", async (change, errorCode, message) => {
    const { alter } = await started(changeable().logger);
    const answer = await alter([[...change]]);
    expect(answer).toMatchObject({ errorCode, errorMessage: expect.stringMatching(message) });
  });

  it("are changed at their own broker, and not by AlterConfigs", async () => {
    const { alter, broker } = await started(changeable().logger);
    expect(await alter([["root", SET, "WARN"]], { id: "2" })).toMatchObject({
      errorCode: INVALID_REQUEST,
      errorMessage: "this is broker 1: ask the broker itself for its loggers",
    });
    const resource = { resourceType: ResourceType.brokerLogger, resourceName: "1", configs: [] };
    const request = { resources: [resource], validateOnly: false };
    const { responses } = await broker.call(AlterConfigs, 2, request);
    expect(responses).toMatchObject([
      { errorCode: INVALID_REQUEST, errorMessage: expect.stringContaining("IncrementalAlter") },
    ]);
    const twice = { resources: [resource, resource], validateOnly: false };
    expect((await broker.call(IncrementalAlterConfigs, 1, twice)).responses).toMatchObject([
      { errorCode: INVALID_REQUEST },
      { errorCode: INVALID_REQUEST },
    ]);
  });

  it("go along with the configs of other resources in one request", async () => {
    const { broker, levels } = await started(changeable().logger);
    const change = (name: string, value: string) => ({ name, value, configOperation: SET });
    const { responses } = await broker.call(IncrementalAlterConfigs, 1, {
      resources: [
        {
          ...{ resourceType: ResourceType.broker, resourceName: "" },
          configs: [change("message.max.bytes", "5000")],
        },
        {
          ...{ resourceType: ResourceType.brokerLogger, resourceName: "1" },
          configs: [change("tarpan.server", "WARN")],
        },
        {
          ...{ resourceType: ResourceType.broker, resourceName: "7" },
          configs: [change("message.max.bytes", "5000")],
        },
      ],
      validateOnly: false,
    });
    expect(responses.map(({ errorCode }) => errorCode)).toEqual([NONE, NONE, INVALID_REQUEST]);
    expect((await levels())["tarpan.server"]).toBe("WARN");
    expect(broker.metadata.topicConfig("").maxMessageBytes).toBe(5000);
  });

  it("can't go below what a logger writes whose level can't be changed", async () => {
    const { logger } = changeable();
    const { setLevel: _, ...fixed } = logger;
    const { alter } = await started(fixed);
    expect(await alter([["root", SET, "DEBUG"]])).toMatchObject({
      errorCode: INVALID_CONFIG,
      errorMessage: "the logger that the broker was started with writes no lines of level DEBUG",
    });
    expect((await alter([["root", SET, "WARN"]])).errorCode).toBe(NONE);
  });
});

it("LogLevels reads the levels of other loggers, such as pino's", () => {
  const { logger } = changeable();
  const rootOf = (level: string) => new LogLevels({ ...logger, level }).levelOf("root");
  expect(["trace", "warn", "fatal", "silent", "their own"].map(rootOf)).toEqual([
    ...["TRACE", "WARN", "FATAL", "FATAL", "TRACE"],
  ]);
});
