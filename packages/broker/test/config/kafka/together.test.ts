import { describe, expect, it, test } from "vitest";
import { BROKER_CONFIGS } from "../../../src/config/kafka/broker-configs.ts";
import { configProblem } from "../../../src/config/kafka/definition.ts";
import { ipOverrides } from "../../../src/config/kafka/ip-overrides.ts";
import { contradiction } from "../../../src/config/kafka/together.ts";
import { brokerConfigProblem } from "../../../src/metadata/config-problems.ts";
import { Broker } from "../../../src/runtime/embedded.ts";

describe("broker configs that contradict each other are refused", () => {
  test.each([
    [
      { "group.consumer.session.timeout.ms": "1000" },
      "group.consumer.min.session.timeout.ms (45000) is above " +
        "group.consumer.session.timeout.ms (1000)",
    ],
    [
      { "group.consumer.max.heartbeat.interval.ms": "1" },
      "group.consumer.heartbeat.interval.ms (5000) is above " +
        "group.consumer.max.heartbeat.interval.ms (1)",
    ],
    [
      { "group.min.session.timeout.ms": "2000000" },
      "group.min.session.timeout.ms (2000000) is above group.max.session.timeout.ms (1800000)",
    ],
    [
      { "max.connections.per.ip": "0" },
      "max.connections.per.ip is 0 and max.connections.per.ip.overrides is empty: " +
        "nobody could connect",
    ],
    [
      { "super.users": "User:a" },
      "super.users has no effect without ACLs: set authorizer.class.name=" +
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer, or leave it out",
    ],
    [
      { "allow.everyone.if.no.acl.found": "true" },
      "allow.everyone.if.no.acl.found has no effect without ACLs: set authorizer.class.name=" +
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer, or leave it out",
    ],
  ])("%j", async (configs, problem) => {
    expect(contradiction(new Map(Object.entries(configs)))?.problem).toBe(problem);
    await expect(Broker.start({ configs })).rejects.toMatchObject({
      code: "TARPAN_CONFIG",
      message: problem,
    });
  });

  it("but not the defaults, and a limit that has exceptions", () => {
    expect(contradiction(new Map())).toBeNull();
    const some = { "max.connections.per.ip": "0", "max.connections.per.ip.overrides": "::1:5" };
    expect(contradiction(new Map(Object.entries(some)))).toBeNull();
  });

  it("also while the broker runs", () => {
    expect(brokerConfigProblem(new Map([["max.connections.per.ip", "0"]]), false)).toMatch(
      /nobody could connect$/,
    );
  });
});

test("max.connections.per.ip.overrides lists addresses as sockets write them", () => {
  const list = "127.0.0.1:5, [2001:DB8:0:0:0:0:0:1]:7,::1:9";
  expect([...ipOverrides(list)]).toEqual([
    ["127.0.0.1", 5],
    ["2001:db8::1", 7],
    ["::1", 9],
  ]);
  const name = "max.connections.per.ip.overrides";
  expect(configProblem(BROKER_CONFIGS, name, list)).toBeNull();
  for (const wrong of ["localhost:5", "10.0.0.1", "10.0.0.256:1", "1.2.3:4", "1.2.3.4:x", ":5"]) {
    expect(configProblem(BROKER_CONFIGS, name, wrong), wrong).toBe(
      `invalid value ${wrong} for ${name}: "${wrong}" must be like 10.0.0.1:100`,
    );
  }
});
