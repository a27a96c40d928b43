import { Admin, Client, Producer } from "@tarpan/client";
import { expect } from "vitest";
import type { Cluster } from "../harness/cluster.ts";
import type { ClusterNode } from "../harness/cluster-node.ts";

const TOPIC = "grouped";
const PARTITIONS = 6;
const RECORDS = 10;
const COMMITTED = 4;
const READY_LIMIT_MS = 30_000;
/** So many groups that every broker coordinates some. */
const GROUPS = Array.from({ length: 9 }, (_, index) => `grouped-${index}`);

/** Any broker can show, reset and delete any group. */
export async function servesGroupsAnywhere(cluster: Cluster): Promise<void> {
  await commitForAll(cluster.bootstrap);
  for (const node of cluster.nodes) {
    const ready = async () => (await ask(node, "/ready")).status;
    await expect.poll(ready, { timeout: READY_LIMIT_MS }).toBe(200);
    const { groups } = (await asked(node, "/api/v1/groups")) as { groups: { groupId: string }[] };
    const listed = groups.map(({ groupId }) => groupId);
    expect(listed.filter((id) => id.startsWith("grouped-")).sort()).toEqual(GROUPS);
    for (const groupId of GROUPS) {
      expect((await asked(node, `/api/v1/groups/${groupId}`)).offsets).toEqual(
        rows({ committedOffset: COMMITTED, endOffset: RECORDS, lag: RECORDS - COMMITTED }),
      );
    }
  }
  await countsLagOnce(cluster);
  for (const [turn, groupId] of GROUPS.entries()) {
    const [first, second] = [0, 1].map((step) =>
      cluster.node((turn + step) % cluster.nodes.length),
    );
    const reset = { topic: TOPIC, to: { shiftBy: 3 }, execute: true };
    const path = `/api/v1/groups/${groupId}`;
    expect((await asked(first!, `${path}/offsets`, "POST", reset)).partitions).toEqual(
      Array.from({ length: PARTITIONS }, (_, partition) => {
        return { partition, from: COMMITTED, to: COMMITTED + 3 };
      }),
    );
    const offsets = rows({ committedOffset: COMMITTED + 3, endOffset: RECORDS, lag: 3 });
    expect((await asked(second!, path)).offsets).toEqual(offsets);
    const unknown = await ask(first!, `${path}/offsets`, "POST", { ...reset, topic: "nowhere" });
    expect([unknown.status, unknown.json.field]).toEqual([400, "topic"]);
    expect(await asked(second!, path, "DELETE")).toEqual({ groupId, deleted: true });
    for (const node of cluster.nodes) expect((await ask(node, path)).status).toBe(404);
  }
}

/** The lag of each group is reported by its coordinator only, with the leaders' end offsets. */
async function countsLagOnce({ nodes }: Cluster): Promise<void> {
  const pages = await Promise.all(
    nodes.map(async ({ bootstrap }) => (await fetch(`http://${bootstrap}/metrics`)).text()),
  );
  const samples = pages
    .flatMap((page) => page.split("\n"))
    .filter((line) => line.startsWith('tarpan_group_lag{group="grouped-'));
  expect(new Set(samples).size).toBe(samples.length);
  expect(samples).toHaveLength(GROUPS.length * PARTITIONS);
  for (const sample of samples) expect(sample).toMatch(new RegExp(` ${RECORDS - COMMITTED}$`));
}

function rows(offsets: object) {
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    return { topic: TOPIC, partition, ...offsets };
  });
}

async function commitForAll(bootstrap: readonly string[]): Promise<void> {
  const client = new Client({ bootstrap });
  const admin = new Admin(client);
  await admin.createTopic({ name: TOPIC, partitions: PARTITIONS, replicas: 3 });
  const producer = new Producer(client);
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  for (const partition of partitions) {
    const records = Array.from({ length: RECORDS }, (_, index) => {
      return { topic: TOPIC, partition, value: `${index}` };
    });
    await producer.sendBatch(records);
  }
  await producer.close();
  const offsets = partitions.map((partition) => ({ topic: TOPIC, partition, offset: COMMITTED }));
  for (const groupId of GROUPS) await admin.alterGroupOffsets(groupId, offsets);
  await client.close();
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of any answer
  readonly json: any;
}

async function ask(
  { bootstrap }: ClusterNode,
  path: string,
  method = "GET",
  body?: object,
): Promise<Answer> {
  const sent = body && { body: JSON.stringify(body), headers: { "content-type": JSON_TYPE } };
  const answer = await fetch(`http://${bootstrap}${path}`, { method, ...sent });
  return { status: answer.status, json: await answer.json() };
}

const JSON_TYPE = "application/json";

async function asked(...about: Parameters<typeof ask>): Promise<Answer["json"]> {
  const { status, json } = await ask(...about);
  expect([status, json.error]).toEqual([200, undefined]);
  return json;
}
