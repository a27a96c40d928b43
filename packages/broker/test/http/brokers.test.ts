import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, test } from "vitest";
import { membersAdmin } from "../../src/admin/members.ts";
import type { ClusterAccess } from "../../src/cluster/cluster-access.ts";
import type { ReplicaStates } from "../../src/log/replication.ts";
import type { Metadata } from "../../src/metadata/metadata.ts";
import { DONE, refused } from "../../src/metadata/outcome.ts";
import { History, topicIdOf } from "../metadata/cluster.ts";
import { ask, FakeBroker, serveHttp } from "./fake-broker.ts";

type Removal = Awaited<ReturnType<ClusterAccess["remove"]>>;

/** A broker of a cluster of three, whose controller answers removals with `answer`. */
function inCluster(answer: Removal, states: readonly ReplicaStates[] = []) {
  const history = new History();
  for (const id of [1, 2, 3]) history.register(id);
  history.topic("orders", [
    [1, 2, 3],
    [2, 3, 1],
  ]);
  history.change("orders", 1, { isr: [2, 3] });
  const removed: number[] = [];
  const part = {
    states: async () => states,
    async remove(brokerId: number) {
      removed.push(brokerId);
      return answer;
    },
  };
  const view = new FakeBroker();
  const { image } = history;
  view.members = membersAdmin(part as unknown as ClusterAccess, { image } as Metadata);
  return { view, removed };
}

const left = (partitionsLeft: number, done = false) => ({ ...DONE, partitionsLeft, done });

describe("the brokers of a cluster", () => {
  test("are listed", async () => {
    const { view } = inCluster(left(0));
    await using served = await serveHttp(view);
    const { status, text } = await ask(served, "/api/v1/brokers");
    expect([status, JSON.parse(text)]).toEqual([200, { brokers: view.cluster().brokers }]);
    expect((await ask(served, "/api/v1/brokers", { method: "HEAD" })).status).toBe(200);
  });

  test("have no path on a standalone broker", async () => {
    await using served = await serveHttp(new FakeBroker());
    const { status, text } = await ask(served, "/api/v1/brokers");
    expect(status).toBe(404);
    expect(JSON.parse(text).paths).not.toContain("/api/v1/brokers");
  });

  test("all partitions with their replicas, whichever broker leads them", async () => {
    const id = { topic: "orders", topicId: topicIdOf("orders"), partition: 1 };
    const replicas = [
      { brokerId: 2, current: true, lag: 0 },
      { brokerId: 1, current: false, lag: 7 },
    ];
    const { view } = inCluster(left(0), [{ id, raftLeader: 2, sizeBytes: 0, replicas }]);
    await using served = await serveHttp(view);
    const { partitions } = JSON.parse((await ask(served, "/cluster/status?partitions=true")).text);
    const common = { topic: "orders", leaderEpoch: 0 };
    expect(partitions).toEqual([
      {
        ...{ ...common, partition: 0, leader: 1, replicas: [1, 2, 3], isr: [1, 2, 3] },
        ...{ raftLeader: null, lag: {} },
      },
      {
        ...{ ...common, partition: 1, leader: 2, replicas: [2, 3, 1], isr: [2, 3] },
        ...{ raftLeader: 2, lag: { 1: 7, 2: 0 } },
      },
    ]);
    const metrics = (await ask(served, "/metrics")).text;
    expect(metrics).toContain("\ntarpan_partitions_under_replicated 1\n");
  });
});

describe("removing a broker", () => {
  const remove = async (answer: Removal, id = "4", headers = {}) => {
    const { view, removed } = inCluster(answer);
    await using served = await serveHttp(view);
    const path = `/api/v1/brokers/${id}`;
    const { status, text } = await ask(served, path, { method: "DELETE", headers });
    expect(view.errors).toEqual([]);
    return { status, json: JSON.parse(text), removed };
  };
  const refusal = (errorCode: number) => ({
    ...refused(errorCode, "why not"),
    ...{ partitionsLeft: 2, done: false },
  });

  test("answers with the progress, and what to do", async () => {
    expect(await remove(left(3))).toEqual({
      status: 200,
      json: { nodeId: 4, partitionsLeft: 3, done: false, message: null },
      removed: [4],
    });
    const stop = { ...refused(ErrorCode.NONE, "stop it now"), partitionsLeft: 0, done: false };
    expect((await remove(stop)).json).toMatchObject({ done: false, message: "stop it now" });
    expect((await remove(left(0, true))).json).toMatchObject({ partitionsLeft: 0, done: true });
  });

  test("that is not registered: 404", async () => {
    const { status, json } = await remove(refusal(ErrorCode.BROKER_ID_NOT_REGISTERED));
    expect([status, json]).toEqual([404, { error: "why not" }]);
  });

  test("refused by the controller: 409", async () => {
    const { status, json } = await remove(refusal(ErrorCode.INVALID_REPLICATION_FACTOR));
    expect([status, json]).toEqual([409, { error: "why not" }]);
    expect((await remove(refusal(ErrorCode.INVALID_REQUEST))).status).toBe(409);
  });

  test.each([ErrorCode.REQUEST_TIMED_OUT, ErrorCode.NOT_CONTROLLER, ErrorCode.KAFKA_STORAGE_ERROR])(
    "refused for now, with error %d: 503",
    async (errorCode) => {
      expect((await remove(refusal(errorCode))).status).toBe(503);
    },
  );

  test.each(["broker-4", "-1", "4.5", "", "12345678901", "2147483648"])(
    "named %j: 400, and the controller is not asked",
    async (id) => {
      const { status, removed } = await remove(left(0), id);
      expect([status, removed]).toEqual([400, []]);
    },
  );

  test("from a web page: 403; by another method: 405", async () => {
    const { status, removed } = await remove(left(0), "4", { origin: "http://evil.example" });
    expect([status, removed]).toEqual([403, []]);
    const { view } = inCluster(left(0));
    await using served = await serveHttp(view);
    const got = await ask(served, "/api/v1/brokers/4");
    expect([got.status, got.headers.allow]).toEqual([405, "DELETE"]);
  });
});
