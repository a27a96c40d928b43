import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import {
  type Api,
  ConsumerGroupHeartbeat,
  decodeResponse,
  encodeRequest,
  type Fields,
  FindCoordinator,
  type Input,
  OffsetCommit,
  type Output,
} from "@tarpan/protocol";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, test } from "vitest";
import { isLoopback } from "../../src/http/loopback.ts";
import { Broker } from "../../src/runtime/embedded.ts";

interface Sent {
  readonly method?: string;
  readonly body?: unknown;
  readonly text?: string;
  readonly headers?: Record<string, string>;
  readonly host?: string;
}

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever was answered
  readonly json: any;
}

/** A real broker with a topic of two partitions, 10 records in each, made in two steps. */
class Ground implements AsyncDisposable {
  readonly broker: Broker;
  readonly kafka: Kafka;

  constructor(broker: Broker) {
    this.broker = broker;
    this.kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });
  }

  static async make(host = "127.0.0.1"): Promise<Ground> {
    const configs = {
      "offsets.topic.num.partitions": 3,
    };
    const ground = new Ground(await Broker.start({ host, configs }));
    const admin = ground.kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: "orders", numPartitions: 2 }] });
    await admin.disconnect();
    const producer = ground.kafka.producer();
    await producer.connect();
    for (const partition of [0, 1]) {
      const messages = Array.from({ length: 10 }, (_, index) => {
        return { partition, value: `${index}`, timestamp: `${1000 + index}` };
      });
      await producer.send({ topic: "orders", messages });
    }
    await producer.disconnect();
    return ground;
  }

  /** Commits without a member, which creates an empty group. */
  async commit(groupId: string, offsets: readonly number[]): Promise<void> {
    // Creates __consumer_offsets.
    await this.call(FindCoordinator, 3, { key: groupId, keyType: 0 });
    const partitions = offsets.map((committedOffset, partitionIndex) => {
      return { partitionIndex, committedOffset, committedMetadata: "" };
    });
    const { topics } = await this.call(OffsetCommit, 7, {
      ...{ groupId, memberId: "", groupInstanceId: null, generationIdOrMemberEpoch: -1 },
      topics: [{ name: "orders", partitions }],
    });
    for (const { errorCode } of topics[0]!.partitions) expect(errorCode).toBe(0);
  }

  async call<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Input<Q>,
  ): Promise<Output<S>> {
    const socket = connect(this.broker.port, "127.0.0.1");
    const header = { correlationId: 1, clientId: "raw" };
    socket.write(Buffer.concat(encodeRequest(api, version, header, body)));
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) break;
    }
    return decodeResponse(api, version, received.subarray(4)).body;
  }

  async ask(path: string, { method = "GET", body, text, headers, host }: Sent = {}): Promise<Got> {
    const content = text ?? (body === undefined ? "" : JSON.stringify(body));
    const sent = request({
      ...{ host: host ?? "127.0.0.1", port: this.broker.port, path, method, agent: false },
      headers: {
        ...(content === "" ? {} : { "content-type": "application/json" }),
        "content-length": Buffer.byteLength(content),
        ...headers,
      },
    });
    sent.end(content);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    let answer = "";
    for await (const chunk of response.setEncoding("utf8")) answer += chunk;
    const isJson = response.headers["content-type"]?.startsWith("application/json");
    const json = isJson && answer !== "" ? JSON.parse(answer) : null;
    return { status: response.statusCode!, headers: response.headers, text: answer, json };
  }

  async reset(groupId: string, body: unknown): Promise<Got> {
    const path = `/api/v1/groups/${encodeURIComponent(groupId)}/offsets`;
    return this.ask(path, { method: "POST", body });
  }

  async committed(groupId: string): Promise<number[]> {
    const { json } = await this.ask(`/api/v1/groups/${encodeURIComponent(groupId)}`);
    return json.offsets.map((row: { committedOffset: number }) => row.committedOffset);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker[Symbol.asyncDispose]();
  }
}

describe("reading", () => {
  test("without groups", async () => {
    await using broker = await Ground.make();
    expect((await broker.ask("/api/v1/groups")).json).toEqual({ groups: [] });
    expect((await broker.ask("/api/v1/groups/billing")).status).toBe(404);
    expect((await broker.ask("/metrics")).text).toContain("# TYPE tarpan_group_lag gauge");
  });

  test("a group with a member: list, members, offsets, lag, metrics", async () => {
    await using broker = await Ground.make();
    await broker.commit("billing", [4, 10]);
    const consumer = broker.kafka.consumer({ groupId: "billing", maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic: "orders" });
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    await consumer.run({ autoCommit: false, eachMessage: async () => {} });
    await joined;
    const row = {
      ...{ groupId: "billing", kind: "classic", state: "Stable" },
      ...{ protocolType: "consumer", memberCount: 1 },
    };
    expect((await broker.ask("/api/v1/groups")).json).toEqual({ groups: [row] });
    const assignment = [{ topic: "orders", partitions: [0, 1] }];
    const member = { memberId: expect.stringMatching(/^kafkajs-/), instanceId: null };
    const client = { clientId: "kafkajs", clientHost: "/127.0.0.1", assignment };
    const place = { topic: "orders", endOffset: 10 };
    expect((await broker.ask("/api/v1/groups/billing")).json).toEqual({
      ...row,
      members: [{ ...member, ...client }],
      offsets: [
        { ...place, partition: 0, committedOffset: 4, lag: 6 },
        { ...place, partition: 1, committedOffset: 10, lag: 0 },
      ],
    });
    const lines = (await broker.ask("/metrics")).text.split("\n");
    for (const line of [
      'tarpan_group_members{group="billing"} 1',
      'tarpan_group_committed_offset{group="billing",topic="orders",partition="0"} 4',
      'tarpan_group_lag{group="billing",topic="orders",partition="0"} 6',
      'tarpan_group_lag{group="billing",topic="orders",partition="1"} 0',
    ]) {
      expect(lines).toContain(line);
    }
    const to = { topic: "orders", to: "earliest", execute: true };
    expect((await broker.reset("billing", to)).status).toBe(409);
    const refused = await broker.ask("/api/v1/groups/billing", { method: "DELETE" });
    expect([refused.status, refused.json.error]).toEqual([409, expect.stringContaining("members")]);
    expect(await broker.committed("billing")).toEqual([4, 10]);
    await consumer.disconnect();
    expect((await broker.reset("billing", to)).status).toBe(200);
    expect(await broker.committed("billing")).toEqual([0, 0]);
  });

  test("a group of the consumer protocol", async () => {
    await using broker = await Ground.make();
    await broker.commit("other", [1]);
    const memberId = "kMl9bKZfSVOQUeVcQ8mSpw";
    const joined = await broker.call(ConsumerGroupHeartbeat, 1, {
      ...{ groupId: "new", memberId, memberEpoch: 0, rebalanceTimeoutMs: 60_000 },
      ...{ subscribedTopicNames: ["orders"], topicPartitions: [] },
    });
    expect(joined.errorCode).toBe(0);
    const { json } = await broker.ask("/api/v1/groups/new");
    expect(json).toMatchObject({ kind: "consumer", protocolType: "consumer", memberCount: 1 });
    const assignment = [{ topic: "orders", partitions: [0, 1] }];
    expect(json.members).toEqual([
      { memberId, instanceId: null, clientId: "raw", clientHost: "/127.0.0.1", assignment },
    ]);
    const { groups } = (await broker.ask("/api/v1/groups")).json;
    const empty = { kind: "classic", state: "Empty", protocolType: "", memberCount: 0 };
    expect(groups).toContainEqual({ groupId: "other", ...empty });
    expect(groups).toContainEqual(expect.objectContaining({ groupId: "new", memberCount: 1 }));
    const to = { topic: "orders", to: "latest", execute: true };
    expect((await broker.reset("new", to)).status).toBe(409);
    expect((await broker.ask("/api/v1/groups/new", { method: "DELETE" })).status).toBe(409);
  });

  test("a deleted topic has no lag any more", async () => {
    await using broker = await Ground.make();
    await broker.commit("billing", [4]);
    const admin = broker.kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: ["orders"] });
    await admin.disconnect();
    expect((await broker.ask("/metrics")).text).not.toContain("tarpan_group_lag{");
  });
});

describe("deleting", () => {
  test("deletes the offsets too; group ids are decoded", async () => {
    await using broker = await Ground.make();
    await broker.commit("a/b ü", [4]);
    await broker.commit("other", [5]);
    const path = `/api/v1/groups/${encodeURIComponent("a/b ü")}`;
    expect((await broker.ask(path)).json.groupId).toBe("a/b ü");
    expect((await broker.ask(path, { method: "DELETE" })).status).toBe(200);
    expect((await broker.ask(path)).status).toBe(404);
    expect((await broker.ask(path, { method: "DELETE" })).status).toBe(404);
    expect(await broker.committed("other")).toEqual([5]);
    expect((await broker.ask("/api/v1/groups/%zz")).status).toBe(400);
  });
});

describe("resetting", () => {
  test("only plans, unless `execute` is set", async () => {
    await using broker = await Ground.make();
    await broker.commit("billing", [4, 6]);
    for (const [to, first, second] of [
      ["earliest", 0, 0],
      ["latest", 10, 10],
      [{ offset: 7 }, 7, 7],
      [{ offset: 700 }, 10, 10],
      [{ timestamp: 0 }, 0, 0],
      [{ timestamp: 1003 }, 3, 3],
      [{ timestamp: 5000 }, 10, 10],
      [{ shiftBy: 2 }, 6, 8],
      [{ shiftBy: -5 }, 0, 1],
    ] as const) {
      const { status, json } = await broker.reset("billing", { topic: "orders", to });
      expect([to, status, json]).toEqual([
        to,
        200,
        {
          ...{ groupId: "billing", topic: "orders", executed: false },
          partitions: [
            { partition: 0, from: 4, to: first },
            { partition: 1, from: 6, to: second },
          ],
        },
      ]);
    }
    expect(await broker.committed("billing")).toEqual([4, 6]);
  });

  test("resets one partition", async () => {
    await using broker = await Ground.make();
    await broker.commit("billing", [4, 6]);
    const body = { topic: "orders", partitions: [1], to: { shiftBy: -1 }, execute: true };
    const { json } = await broker.reset("billing", body);
    expect(json).toMatchObject({ executed: true, partitions: [{ partition: 1, from: 6, to: 5 }] });
    expect(await broker.committed("billing")).toEqual([4, 5]);
  });

  test("the error names the wrong field", async () => {
    await using broker = await Ground.make();
    await broker.commit("billing", [4]);
    const good = { topic: "orders", to: "latest" };
    for (const [field, body] of [
      ["topic", { to: "latest" }],
      ["topic", { ...good, topic: "nowhere" }],
      ["to", { topic: "orders" }],
      ["to", { ...good, to: { offset: -1 } }],
      ["to", { ...good, to: { offset: 1, shiftBy: 1 } }],
      ["to", { ...good, to: { shiftBy: 0.5 } }],
      ["to", { ...good, to: { shiftBy: 1 } }],
      ["partitions", { ...good, partitions: [] }],
      ["partitions", { ...good, partitions: [0, 0] }],
      ["partitions", { ...good, partitions: [2] }],
      ["partitions", { ...good, partitions: 0 }],
      ["execute", { ...good, execute: "yes" }],
      ["partition", { ...good, partition: 0, execute: true }],
    ] as const) {
      const { status, json } = await broker.reset("billing", body);
      expect([body, status, json.field]).toEqual([body, 400, field]);
    }
    expect((await broker.reset("unknown", good)).status).toBe(404);
    expect(await broker.committed("billing")).toEqual([4]);
  });

  test("the body must be JSON, with its content type, within the limit", async () => {
    await using broker = await Ground.make();
    await broker.commit("billing", [4]);
    const post = (sent: Sent) =>
      broker.ask("/api/v1/groups/billing/offsets", { method: "POST", ...sent });
    const body = { topic: "orders", to: "latest" };
    expect((await post({ text: "{" })).status).toBe(400);
    expect((await post({ text: "[]" })).status).toBe(400);
    expect((await post({ body, headers: { "content-type": "text/plain" } })).status).toBe(415);
    expect((await post({ text: " ".repeat(64 * 1024 + 1) })).status).toBe(413);
    const padded = JSON.stringify(body).padEnd(64 * 1024);
    expect((await post({ text: padded })).status).toBe(200);
    const utf8 = { "content-type": "Application/JSON; charset=utf-8" };
    expect((await post({ body, headers: utf8 })).status).toBe(200);
  });
});

describe("changes", () => {
  test("each path answers with its allowed methods", async () => {
    await using broker = await Ground.make();
    for (const [method, path, allow] of [
      ["POST", "/api/v1/groups", "GET, HEAD"],
      ["PUT", "/api/v1/groups/a", "GET, HEAD, DELETE"],
      ["GET", "/api/v1/groups/a/offsets", "POST"],
    ] as const) {
      const { status, headers } = await broker.ask(path, { method });
      expect([path, status, headers.allow]).toEqual([path, 405, allow]);
    }
    expect((await broker.ask("/api/v1/groups/a/b/c")).status).toBe(404);
    expect((await broker.ask("/api/v1/groups", { method: "HEAD" })).status).toBe(200);
  });

  test("are refused to web pages", async () => {
    await using broker = await Ground.make();
    await broker.commit("billing", [4]);
    const headers = { origin: "http://evil.example" };
    const sent = { method: "DELETE", headers };
    expect((await broker.ask("/api/v1/groups/billing", sent)).status).toBe(403);
    expect(await broker.committed("billing")).toEqual([4]);
  });

  test("loopback addresses", () => {
    const local = ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"];
    expect(local.filter((address) => !isLoopback(address))).toEqual([]);
    const foreign = ["", "10.0.0.1", "1.127.0.0", "::ffff:10.0.0.1", "::2", "fe80::1", "0.0.0.0"];
    expect(foreign.filter(isLoopback)).toEqual([]);
  });

  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

  test("are refused to addresses other than loopback", async (context) => {
    if (outside === undefined) return context.skip("this machine has no other address");
    await using broker = await Ground.make("0.0.0.0");
    const from = { host: outside };
    const path = "/api/v1/groups/billing";
    expect((await broker.ask("/api/v1/groups", from)).status).toBe(200);
    for (const [sent, where] of [
      [{ method: "DELETE" }, path],
      [{ method: "POST", body: { topic: "orders", to: "latest" } }, `${path}/offsets`],
    ] as const) {
      const { status, json } = await broker.ask(where, { ...sent, ...from });
      expect([status, json.error]).toEqual([403, expect.stringContaining("loopback")]);
    }
  });
});
