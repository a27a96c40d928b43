import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, test } from "vitest";
import { AdminError, coordinatorNotAvailable } from "../../src/admin/admin-error.ts";
import { ClusterGroups } from "../../src/admin/cluster-groups.ts";
import type { GroupSummary, GroupsAdmin, OffsetReset } from "../../src/admin/groups-admin.ts";
import { LeaderOffsets } from "../../src/admin/leader-offsets.ts";
import { PEER_CALL_TIMEOUT_MS } from "../../src/admin/limits.ts";
import type { Metadata } from "../../src/metadata/metadata.ts";
import type { Partitions } from "../../src/partition/partitions.ts";
import { LedEndOffsets } from "../../src/rpc/messages/index.ts";
import { ManualTime } from "../env/manual-time.ts";
import { History } from "../metadata/cluster.ts";
import { MemoryNetwork } from "../rpc/memory-bus.ts";
import { rpcOn } from "../rpc/rpc-on.ts";

/** The AdminError that tells the operator to retry. */
const NOT_AVAILABLE = { name: "AdminError", kind: "coordinator-not-available" };
const LATE_MS = 60_000;
const SHIFT: OffsetReset = {
  ...{ topic: "orders", partitions: null, to: { shiftBy: -1 } },
  execute: true,
};

/** The groups of one broker, by name only. Remembers the operations on them. */
class OwnGroups implements GroupsAdmin {
  readonly done: string[] = [];
  failure: Error | null = null;
  /** If set, it never answers. */
  hangs = false;
  readonly #ids: readonly string[];

  constructor(ids: readonly string[]) {
    this.#ids = ids;
  }

  async list() {
    await this.#asked();
    return this.#ids.map(rowOf);
  }

  async describe(groupId: string) {
    await this.#asked();
    return { ...rowOf(groupId), members: [], offsets: [] };
  }

  async delete(groupId: string) {
    await this.#asked();
    this.done.push(`delete ${groupId}`);
  }

  async resetOffsets(groupId: string, { to }: OffsetReset) {
    await this.#asked();
    this.done.push(`reset ${groupId} to ${JSON.stringify(to)}`);
    return [{ partition: 0, from: null, to: 5 }];
  }

  async usage() {
    return { groups: this.#ids.map(rowOf), offsets: [] };
  }

  #asked(): Promise<void> {
    if (this.hangs) return new Promise(() => {});
    return this.failure === null ? Promise.resolve() : Promise.reject(this.failure);
  }
}

function rowOf(groupId: string): GroupSummary {
  return { groupId, kind: "classic", state: "Empty", protocolType: "", memberCount: 0 };
}

/** Three brokers: the group "of-2" is coordinated by broker 2. */
function cluster() {
  const time = new ManualTime();
  const network = new MemoryNetwork(time, 0);
  const history = new History();
  for (const id of [1, 2, 3]) history.register(id);
  history.topic("orders", [[1], [2], [3], [2]]);
  history.topic("__consumer_offsets", [[1], [2], [3]]);
  const logged: string[] = [];
  const logger = { error: (message: string) => logged.push(message) } as never;
  const nodes = [1, 2, 3].map((nodeId) => {
    const bus = network.bus(`broker ${nodeId}`);
    const own = new OwnGroups([`of-${nodeId}`]);
    const metadata = {
      get image() {
        return history.image;
      },
      nodeId,
    } as Metadata;
    const groups = { coordinatorOf: (groupId: string) => Number(groupId.slice("of-".length)) };
    const rpc = rpcOn(bus, nodeId, time, logger);
    const partitions = {
      find: (_topic: string, index: number) =>
        index === 3
          ? ErrorCode.NOT_LEADER_OR_FOLLOWER
          : { highWatermark: nodeId * 10, log: { startOffset: nodeId } },
    };
    const offsets = new LeaderOffsets({
      ...{ metadata, rpc },
      partitions: partitions as unknown as Partitions,
    });
    const view = new ClusterGroups({ rpc, metadata, groups, own });
    return { bus, rpc, own, offsets, view };
  });
  return { time, history, logged, nodes: nodes as [Node, Node, Node] };
  type Node = (typeof nodes)[number];
}

describe("any broker of a cluster", () => {
  test("lists the groups of all brokers", async () => {
    const { nodes } = cluster();
    for (const { view } of nodes) {
      const ids = (await view.list()).map(({ groupId }) => groupId);
      expect(ids.sort()).toEqual(["of-1", "of-2", "of-3"]);
    }
  });

  test("describes, resets and deletes a group of another coordinator", async () => {
    const { nodes } = cluster();
    const [{ view }, second] = nodes;
    expect(await view.describe("of-2")).toMatchObject({ groupId: "of-2", offsets: [] });
    expect(await view.resetOffsets("of-2", SHIFT)).toEqual([{ partition: 0, from: null, to: 5 }]);
    await view.delete("of-2");
    expect(second.own.done).toEqual(['reset of-2 to {"shiftBy":-1}', "delete of-2"]);
    expect(nodes[0].own.done).toEqual([]);
  });

  test("passes on the coordinator's errors", async () => {
    const { nodes, logged } = cluster();
    const [{ view }, second] = nodes;
    second.own.failure = new AdminError("invalid", "there is no topic", { field: "topic" });
    await expect(view.resetOffsets("of-2", SHIFT)).rejects.toMatchObject({
      ...{ name: "AdminError", kind: "invalid", message: "there is no topic", field: "topic" },
    });
    second.own.failure = coordinatorNotAvailable(new Error("it has moved"));
    await expect(view.describe("of-2")).rejects.toMatchObject(NOT_AVAILABLE);
    await expect(view.list()).rejects.toMatchObject(NOT_AVAILABLE);
    expect(logged).toEqual([]);
    second.own.failure = new TypeError("a bug");
    await expect(view.describe("of-2")).rejects.toMatchObject(NOT_AVAILABLE);
    expect(logged).toEqual([expect.stringContaining("DescribeCoordinatedGroup")]);
  });

  test("rejects while the coordinator can't be reached, or there is none", async () => {
    const { nodes } = cluster();
    const [{ view }, second] = nodes;
    second.bus.cut = true;
    await expect(view.describe("of-2")).rejects.toMatchObject(NOT_AVAILABLE);
    await expect(view.delete("of-2")).rejects.toMatchObject(NOT_AVAILABLE);
    await expect(view.list()).rejects.toMatchObject(NOT_AVAILABLE);
    await expect(view.delete("of--1")).rejects.toMatchObject(NOT_AVAILABLE);
  });

  test("says that a change without an answer may have been made", async () => {
    const { nodes, time } = cluster();
    const [{ view }, second] = nodes;
    second.own.hangs = true;
    for (const [ask, error] of [
      [() => view.delete("of-2"), /may have been made or not/],
      [() => view.resetOffsets("of-2", SHIFT), /may have been made or not/],
      [() => view.resetOffsets("of-2", { ...SHIFT, execute: false }), /coordinator is unavailable/],
      [() => view.describe("of-2"), /coordinator is unavailable/],
    ] as const) {
      const refused = expect(ask()).rejects.toThrow(error);
      time.advance(LATE_MS);
      await refused;
    }
  });

  test("asks no other broker before __consumer_offsets exists", async () => {
    const { nodes, history } = cluster();
    history.image = new History().image;
    const [{ view, own }] = nodes;
    expect(await view.list()).toEqual([rowOf("of-1")]);
    await view.delete("of-2");
    expect(own.done).toEqual(["delete of-2"]);
  });
});

describe("offsets of partitions that others lead", () => {
  const all = [0, 1, 2, 3].map((partition) => ["orders", partition] as const);

  test("are read from the leaders; null if a leader can't answer", async () => {
    const { nodes, time } = cluster();
    const [{ offsets }, second, third] = nodes;
    expect(await offsets.ends([...all, ["gone", 0]])).toEqual([10, 20, 30, null, null]);
    third.bus.cut = true;
    expect(await offsets.ends(all)).toEqual([10, 20, null, null]);
    second.rpc.serve(LedEndOffsets, () => new Promise(() => {}));
    const late = offsets.ends(all);
    time.advance(PEER_CALL_TIMEOUT_MS);
    expect(await late).toEqual([10, null, null, null]);
  });

  test("make one plan, in the requested order", async () => {
    const { nodes } = cluster();
    const [{ offsets }, second] = nodes;
    const reset = { ...SHIFT, partitions: [2, 0, 1], to: "latest" as const };
    const committed = new Map([[2, 4]]);
    expect(await offsets.planReset(reset, committed)).toEqual([
      { partition: 2, from: 4, to: 30 },
      { partition: 0, from: null, to: 10 },
      { partition: 1, from: null, to: 20 },
    ]);
    const refused = (change: object) =>
      expect(offsets.planReset({ ...reset, ...change }, committed)).rejects;
    await refused({ topic: "gone" }).toMatchObject({ kind: "invalid", field: "topic" });
    await refused({ partitions: [4] }).toMatchObject({ kind: "invalid", field: "partitions" });
    await refused({ to: { shiftBy: 1 } }).toMatchObject({ kind: "invalid", field: "to" });
    await refused({ partitions: [3] }).toMatchObject({ kind: "unavailable" });
    second.bus.cut = true;
    await refused({}).toMatchObject({
      ...{ kind: "unavailable", message: expect.stringContaining("broker 2") },
    });
  });
});
