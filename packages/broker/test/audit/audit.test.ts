import { crc32c } from "@tarpan/codecs";
import {
  AlterClientQuotas,
  AlterConfigs,
  AlterUserScramCredentials,
  CreateAcls,
  CreatePartitions,
  CreateTopics,
  DeleteAcls,
  DeleteGroups,
  DeleteTopics,
  encodeBatch,
  FindCoordinator,
  IncrementalAlterConfigs,
  ListGroups,
  Metadata,
  OffsetCommit,
  ZERO_UUID,
} from "@tarpan/protocol";
import { describe, expect, test } from "vitest";
import { REPEAT_INTERVAL_MS } from "../../src/audit/repeated-events.ts";
import { changesIn, isChanging } from "../../src/handlers/audited-changes.ts";
import { handlers } from "../../src/handlers/index.ts";
import type { Logger } from "../../src/logging/logger.ts";
import { ACLS_ON, allow } from "../handlers/secured-broker.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";
import { ask, FakeBroker, serveHttp } from "../http/fake-broker.ts";
import { asked, basicAuth } from "../http/raw-http.ts";
import { KafkaSocket } from "../runtime/kafka-socket.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { authenticatePlain, upsertion } from "../sasl/sasl-client.ts";
import { acl } from "../security/acls.ts";
import { Lines } from "./lines.ts";

async function broker(configs: Record<string, string> = ACLS_ON) {
  const audit = new Lines();
  const whole = await WholeBroker.startWith({ configs, audit });
  return { audit, whole: whole.as("User:admin") };
}

const topic = (name: string) => {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
};

describe("changes over Kafka's protocol", () => {
  test("of delayed messages, by records that cancel them", async () => {
    const { audit, whole } = await broker();
    const named = { topics: [{ name: "__delayed", topicId: ZERO_UUID }] };
    await whole.call(Metadata, 12, { ...named, allowAutoTopicCreation: true });
    const text = new TextEncoder();
    const headers = ["tarpan-topic", "tarpan-delay"].map((key, at) => {
      return { key, value: text.encode(["t", "1h"][at]!) };
    });
    const record = (value: string | null) => ({
      ...{ key: text.encode("id"), timestamp: whole.time.wallMs() },
      ...{ value: value === null ? null : text.encode(value), headers: value ? headers : [] },
    });
    const send = async (...values: (string | null)[]) => {
      const records = encodeBatch(values.map(record), { crc32c });
      return (await whole.produce("__delayed", records)).errorCode;
    };
    audit.texts.length = 0;
    expect(await send("x")).toBe(0);
    expect(audit.short).toEqual([]);
    for (let i = 0; i < 3; i++) expect(await send("x", null)).toBe(0);
    // Nothing was cancelled.
    expect(await send(null, "")).not.toBe(0);
    const line = "change success User:admin Produce topic:__delayed (records that cancel messages)";
    expect(audit.short).toEqual([line]);
    await whole.time.advance(REPEAT_INTERVAL_MS);
    expect(audit.short).toEqual([line, `${line} ×2`]);
  });

  test("of topics", async () => {
    const { audit, whole } = await broker();
    const create = { topics: [topic("t"), topic("..")], timeoutMs: 1_000, validateOnly: false };
    await whole.call(CreateTopics, 7, { ...create, validateOnly: true });
    await whole.call(CreateTopics, 7, create);
    const grown = [{ name: "t", count: 3, assignments: null }];
    await whole.call(CreatePartitions, 3, { topics: grown, timeoutMs: 1, validateOnly: false });
    await whole.call(Metadata, 12, {
      topics: [{ name: "auto", topicId: ZERO_UUID }],
      allowAutoTopicCreation: true,
    });
    const topics = ["t", "gone"].map((name) => ({ name, topicId: ZERO_UUID }));
    await whole.call(DeleteTopics, 6, { topics, topicNames: [], timeoutMs: 1_000 });
    expect(audit.short).toEqual([
      "change success User:admin CreateTopics topic:t",
      "change failure User:admin CreateTopics topic:.. (INVALID_TOPIC_EXCEPTION)",
      "change success User:admin CreatePartitions topic:t (3 partitions)",
      "change success User:admin Metadata topic:auto (auto.create.topics.enable)",
      "change success User:admin DeleteTopics topic:t",
      "change failure User:admin DeleteTopics topic:gone (UNKNOWN_TOPIC_OR_PARTITION)",
    ]);
    expect(audit.events[0]).toEqual({
      ...{ time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), event: "change" },
      ...{ outcome: "success", principal: "User:admin", address: "127.0.0.1" },
      ...{ listener: "PLAINTEXT", operation: "CreateTopics", resource: "topic:t", detail: null },
    });
  });

  test("that fail again and again are one line, and the changes themselves all have one", async () => {
    const { audit, whole } = await broker();
    const create = { timeoutMs: 1_000, validateOnly: false };
    await whole.call(CreateTopics, 7, { ...create, topics: [topic("t")] });
    for (let i = 0; i < 1_000; i++) {
      await whole.call(CreateTopics, 7, { ...create, topics: [topic("t")] });
    }
    expect(audit.short).toEqual([
      "change success User:admin CreateTopics topic:t",
      "change failure User:admin CreateTopics topic:t (TOPIC_ALREADY_EXISTS)",
    ]);
  });

  test("of configs, users and quotas, without any secret", async () => {
    const { audit, whole } = await broker();
    await whole.createTopic("t");
    const configs = [{ name: "retention.ms", value: "4711", configOperation: 0 }];
    const resources = [{ resourceType: 2, resourceName: "t", configs }];
    await whole.call(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
    await whole.call(AlterConfigs, 2, { resources, validateOnly: false });
    await whole.call(AlterConfigs, 2, { resources, validateOnly: true });
    const user = upsertion("SCRAM-SHA-512", "alice", "a-secret");
    await whole.call(AlterUserScramCredentials, 0, { deletions: [], upsertions: [user] });
    const deletions = [{ name: "alice", mechanism: 2 }];
    await whole.call(AlterUserScramCredentials, 0, { deletions, upsertions: [] });
    const entity = [{ entityType: "user", entityName: null }];
    const ops = [{ key: "producer_byte_rate", value: 1024, remove: false }];
    await whole.call(AlterClientQuotas, 1, { entries: [{ entity, ops }], validateOnly: false });
    expect(audit.short.slice(1)).toEqual([
      "change success User:admin IncrementalAlterConfigs topic:t (retention.ms)",
      "change success User:admin AlterConfigs topic:t (retention.ms)",
      "change success User:admin AlterUserScramCredentials user:alice (set)",
      "change success User:admin AlterUserScramCredentials user:alice (deleted)",
      "change success User:admin AlterClientQuotas quota:user=<default> (producer_byte_rate=1024)",
    ]);
    const salted = Buffer.from(user.saltedPassword).toString("base64");
    for (const secret of ["4711", "a-secret", salted]) {
      expect(audit.texts.join("")).not.toContain(secret);
    }
  });

  test("of ACLs", async () => {
    const { audit, whole } = await broker();
    const { patternType: resourcePatternType, ...rest } = acl("allow User:b read topic t*");
    await whole.call(CreateAcls, 3, { creations: [{ ...rest, resourcePatternType }] });
    const all = { resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 };
    const any = { principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 };
    await whole.call(DeleteAcls, 3, { filters: [{ ...all, ...any }] });
    expect(audit.short).toEqual(
      ["CreateAcls", "DeleteAcls"].map((api) => {
        return `change success User:admin ${api} topic:t (allow User:b read (prefixed) from *)`;
      }),
    );
  });

  test("of groups: a tool resets offsets without being a member", async () => {
    const { audit, whole } = await broker();
    await whole.createTopic("t");
    const key = { keyType: 0, coordinatorKeys: ["g"] };
    await whole.call(FindCoordinator, 4, key);
    const commit = (memberId: string) =>
      whole.call(OffsetCommit, 9, {
        ...{ groupId: "g", generationIdOrMemberEpoch: memberId === "" ? -1 : 1, memberId },
        topics: [
          {
            name: "t",
            partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: "" }],
          },
        ],
      });
    await commit("");
    await commit("");
    await commit("m");
    await whole.call(DeleteGroups, 2, { groupsNames: ["g", "gone"] });
    whole.time.advance(REPEAT_INTERVAL_MS);
    expect(audit.short.slice(1)).toEqual([
      "change success User:admin OffsetCommit group:g",
      "change success User:admin DeleteGroups group:g",
      "change failure User:admin DeleteGroups group:gone (GROUP_ID_NOT_FOUND)",
      "change success User:admin OffsetCommit group:g ×1",
    ]);
  });

  test("are written for every API that takes a permission to change something", () => {
    const names = handlers.filter(isChanging).map(({ api }) => api.name);
    for (const name of ["CreateTopics", "DeleteRecords", "WriteTxnMarkers", "UnregisterBroker"]) {
      expect(names).toContain(name);
    }
    expect(names).not.toContain("Fetch");
    const unknown = { ...handlers[0]!, api: { ...handlers[0]!.api, key: 999, name: "New" } };
    const made = { operation: "New", resource: "cluster", detail: null };
    expect(changesIn(unknown, {}, {}, 0)).toEqual([{ ...made, failure: null }]);
    expect(changesIn(unknown, {}, {}, 42)).toEqual([{ ...made, failure: "INVALID_REQUEST" }]);
    expect(changesIn(unknown, {}, {}, 31)).toEqual([]);
  });
});

describe("refusals", () => {
  test("name what was not allowed; what is only left out of an answer is none", async () => {
    const { audit, whole } = await broker();
    await whole.createTopic("t");
    await allow(whole, "allow User:b describe group g");
    whole.as("User:b");
    await whole.call(Metadata, 12, { topics: null, allowAutoTopicCreation: false });
    await whole.call(ListGroups, 4, { statesFilter: [] });
    expect(audit.short).toHaveLength(1);
    await whole.produce("t", null);
    await whole.produce("t", null);
    await whole.call(CreateTopics, 7, { topics: [topic("u")], timeoutMs: 1, validateOnly: false });
    await whole.call(AlterUserScramCredentials, 0, { deletions: [], upsertions: [] });
    await whole.call(DeleteGroups, 2, { groupsNames: ["g"] });
    await whole.stop();
    expect(audit.short.slice(1)).toEqual([
      "refusal denied User:b write topic:t",
      "refusal denied User:b create topic:u",
      "refusal denied User:b alter cluster",
      "refusal denied User:b delete group:g",
      "refusal denied User:b write topic:t ×1",
    ]);
  });

  test("go to the broker's log if there is no audit log, and names can't forge a line", async () => {
    const log: string[] = [];
    const line = (message: string) => void log.push(message);
    const logger: Logger = { debug() {}, info: line, warn: line, error: line };
    const whole = await WholeBroker.startWith({ configs: ACLS_ON, logger });
    whole.as("User:b");
    for (const groupId of ["g", "g", "g\n{}", "g".repeat(30_000)]) {
      await whole.call(DeleteGroups, 2, { groupsNames: [groupId] });
    }
    await whole.stop();
    const denied = log.filter((message) => message.startsWith("denied"));
    const of = "denied User:b the operation delete on group:g";
    expect(denied).toEqual([of, `${of}\n{}`, expect.any(String), `${of} (1 more like this)`]);
    expect(denied[2]!.length).toBeLessThan(500);
  });
});

test("log-ins over both protocols are written, and hold no password", async () => {
  const audit = new Lines();
  const at = await startOnRealPorts(
    {
      listeners: "USERS://127.0.0.1:0",
      "listener.security.protocol.map": "USERS:SASL_PLAINTEXT",
      "sasl.enabled.mechanisms": "PLAIN",
      "listener.name.users.plain.sasl.jaas.config":
        'org.apache.kafka.common.security.plain.PlainLoginModule required user_al="s3cret";',
      "connection.failed.authentication.delay.ms": "1",
    },
    { audit },
  );
  for (const password of ["s3cret", "s3cre"]) {
    using client = KafkaSocket.plain(at.port(0));
    await authenticatePlain(client, "al", password);
    await asked(at.port(0), "GET /metrics", basicAuth("al", password));
  }
  const { text } = await asked(at.port(0), "GET /metrics", basicAuth("al", "s3cret"));
  await at.broker.stop();
  expect(audit.short).toEqual([
    "authentication success User:al PLAIN",
    "authentication success User:al HTTP Basic",
    "authentication failure log-in (SASL PLAIN: wrong user name or password)",
    "authentication failure log-in (HTTP Basic: wrong user name or password)",
    "authentication success User:al HTTP Basic ×1",
  ]);
  for (const { listener, address } of audit.events) {
    expect([listener, address]).toEqual(["USERS", "127.0.0.1"]);
  }
  expect(audit.texts.join("")).not.toContain("s3cre");
  const counted = 'tarpan_audit_events_total{event="authentication",outcome="failure"} 2';
  expect(text).toContain(counted);
});

test("changes over HTTP are written, also those that fail; a plan is none", async () => {
  const view = new FakeBroker();
  Object.assign(view.delayed, { cancel: async () => {} });
  Object.assign(view.halfMessages, { resolve: async () => {} });
  Object.assign(view.groups, { resetOffsets: async () => [] });
  await using served = await serveHttp(view);
  const reset = (execute: boolean) =>
    ask(served, "/api/v1/groups/g/offsets", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ topic: "t", to: "earliest", execute }),
    });
  await ask(served, "/api/v1/delayed?id=a", { method: "DELETE" });
  const half = "/api/v1/half-messages?group=g&id=b&resolution=commit";
  await ask(served, half, { method: "POST" });
  await reset(false);
  await reset(true);
  await ask(served, "/api/v1/groups/g%2Fh", { method: "DELETE" });
  await ask(served, "/api/v1/groups/g", { method: "DELETE", headers: { origin: "null" } });
  await ask(served, "/cluster/status");
  const events = view.auditLines.map((line) => JSON.parse(line));
  expect(events.map((one) => [one.outcome, one.operation, one.resource, one.detail])).toEqual([
    ["success", "DELETE /api/v1/delayed", "delayed-message:a", null],
    ["success", "POST /api/v1/half-messages", "half-message:g/b", "commit"],
    ["success", "POST /api/v1/groups/:id/offsets", "group:g", null],
    ["failure", "DELETE /api/v1/groups/:id", "group:g/h", "status 500"],
  ]);
  expect(events[0]).toMatchObject({ principal: "User:ANONYMOUS", listener: "PLAINTEXT" });
});

test("a log that can't be written makes the broker not ready", async () => {
  const audit = new Lines();
  await using at = await startOnRealPorts({ listeners: "PLAINTEXT://127.0.0.1:0" }, { audit });
  expect((await asked(at.port(0), "GET /ready")).status).toBe(200);
  audit.problem = "no space left on device";
  audit.linesLost = 3;
  const { status, text } = await asked(at.port(0), "GET /ready");
  expect([status, text]).toEqual([503, expect.stringContaining(audit.problem)]);
  const metrics = await asked(at.port(0), "GET /metrics");
  expect(metrics.text).toContain("tarpan_audit_lines_lost_total 3\n");
});
