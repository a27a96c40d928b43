import { beforeEach, describe, expect, it } from "vitest";
import { HalfMessagesOfAll } from "../../src/admin/half-messages.ts";
import { GROUP, HalfBroker } from "./half-broker.ts";

let broker: HalfBroker;
let admin: HalfMessagesOfAll;

const ALL = { group: null, id: null, topic: null, limit: 10 };

beforeEach(async () => {
  broker = await HalfBroker.start();
  await broker.whole.createTopic("target", 1);
  await broker.whole.createTopic(`${GROUP}.checks`, 4);
  const { metadata, halfMessages } = broker.whole.broker;
  admin = new HalfMessagesOfAll({ halfMessages, metadata, rpc: null });
});

const values = async () => (await broker.read("target")).map(({ value }) => value);

describe("an administrator", () => {
  it("lists what waits, by group, topic and id, with its state", async () => {
    const startMs = broker.nowMs;
    await broker.half("a", "1");
    await broker.half("lost", "22", { "tarpan-topic": "nowhere", "tarpan-partition": "3" });
    await broker.half("a", "3", { "tarpan-producer-group": "others", "tarpan-topic": "there" });
    await broker.resolve("lost", "commit");
    await broker.pass(7_000, 500);
    const waiting = { topic: "target", partition: null, state: "waiting", sizeBytes: 1 };
    const times = { createdAt: startMs - 5 };
    const lost = {
      ...{ group: GROUP, id: "lost", topic: "nowhere", partition: 3, state: "committed" },
      ...{ checks: null, nextCheckAt: null, sizeBytes: 2, ...times },
    };
    const own = { ...waiting, group: GROUP, id: "a", checks: 1, nextCheckAt: startMs + 36_000 };
    // The topic of its checks had to be created.
    const other = { ...waiting, group: "others", topic: "there", checks: 1 };
    const listed = await admin.list(ALL);
    expect(listed).toEqual(expect.arrayContaining([lost, { ...own, ...times }]));
    expect(listed).toHaveLength(3);
    expect(await admin.list({ ...ALL, topic: "there" })).toMatchObject([other]);
    expect(await admin.list({ ...ALL, group: GROUP, id: "a" })).toMatchObject([own]);
    expect(await admin.list({ ...ALL, id: "a" })).toHaveLength(2);
    expect(await admin.list({ ...ALL, id: "lost" })).toEqual([lost]);
    expect(await admin.list({ ...ALL, limit: 1 })).toHaveLength(1);
  });

  it("commits one by hand, and is told when none waits", async () => {
    await broker.half("id", "x");
    await broker.settle();
    const refused = { kind: "not-found" };
    await expect(admin.resolve("strangers", "id", "commit")).rejects.toMatchObject(refused);
    await admin.resolve(GROUP, "id", "commit");
    await expect(admin.resolve(GROUP, "id", "rollback")).rejects.toMatchObject(refused);
    await broker.settle();
    expect(await values()).toEqual(["x"]);
    await expect(admin.resolve(GROUP, "id", "commit")).rejects.toMatchObject(refused);
  });

  it("can't roll back one that is committed and waits for its target", async () => {
    await broker.half("id", "x", { "tarpan-topic": "nowhere" });
    await broker.resolve("id", "commit");
    await broker.settle();
    await expect(admin.resolve(GROUP, "id", "rollback")).rejects.toMatchObject({
      kind: "not-found",
    });
    await broker.whole.createTopic("nowhere", 1);
    await broker.pass(2_000, 500);
    expect(await broker.read("nowhere")).toHaveLength(1);
  });

  it("rolls one back by hand", async () => {
    await broker.half("id", "x");
    await broker.settle();
    await admin.resolve(GROUP, "id", "rollback");
    await broker.resolve("id", "commit");
    await broker.pass(60_000, 1_000);
    expect(await values()).toEqual([]);
    expect(await broker.checks()).toEqual([]);
    expect(await admin.list(ALL)).toEqual([]);
  });
});
