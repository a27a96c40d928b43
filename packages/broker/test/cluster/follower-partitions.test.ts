import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { CONTROLLER_SESSION_MS, FOLLOWER_IDLE_MS } from "../../src/cluster/limits.ts";
import { POLL_AFTER_READ_MS, POLL_INTERVAL_MS } from "../../src/log/jetstream/limits.ts";
import { readAll } from "../log/batches.ts";
import { create, imageOf, produce, settledWorld } from "./requests.ts";

describe("a follower", () => {
  it("is the preferred read replica of a consumer in its rack, unless the leader is", async () => {
    const world = await settledWorld();
    await create(world, "orders", 1, 2);
    await world.settled();
    const { leader, replicas } = imageOf(world, "orders");
    const follower = replicas.find((id) => id !== leader)!;
    const stranger = [1, 2, 3].find((id) => !replicas.includes(id))!;
    const { followers } = world.broker(leader).member;
    expect(followers.nearest("orders", 0, `rack-${follower}`)).toBe(follower);
    expect(followers.nearest("orders", 0, `rack-${leader}`)).toBeNull();
    expect(followers.nearest("orders", 0, `rack-${stranger}`)).toBeNull();
    expect(followers.nearest("orders", 0, "")).toBeNull();
    expect(followers.nearest("nothing", 0, `rack-${follower}`)).toBeNull();
    world.broker(follower).kill();
    await world.settled();
    expect(followers.nearest("orders", 0, `rack-${follower}`)).toBeNull();
  });

  it("serves committed records, and wakes fetches that wait for more", async () => {
    const world = await settledWorld();
    await create(world, "orders", 1, 3);
    await world.settled();
    const { leader, replicas } = imageOf(world, "orders");
    await produce(world, "orders");
    const { followers } = world.broker(replicas.find((id) => id !== leader)!).member;
    const found = await world.run(followers.find("orders", 0));
    if (typeof found === "number") throw new Error(`error ${found}`);
    expect(found.highWatermark).toBe(1);
    expect(found.leaderEpoch).toBe(imageOf(world, "orders").leaderEpoch);
    let wakes = 0;
    const stop = found.onAdvance(() => wakes++);
    await produce(world, "orders");
    await world.until("it has heard", () => wakes > 0, 2_000);
    stop();
    expect(found.highWatermark).toBe(2);
    expect(await world.run(readAll(found.log as Parameters<typeof readAll>[0]))).toHaveLength(2);
    // It is closed when no consumer fetches from it any more, and opened again for the next one.
    await world.pass(3 * FOLLOWER_IDLE_MS);
    await expect(found.log.read(0, 100)).rejects.toMatchObject({ kind: "closed" });
    expect(typeof (await world.run(followers.find("orders", 0)))).toBe("object");
  });

  it("goes on for consumers that neither find records nor wait for them", async () => {
    const world = await settledWorld();
    await create(world, "orders", 1, 3);
    await world.settled();
    const { leader, replicas } = imageOf(world, "orders");
    const { followers } = world.broker(replicas.find((id) => id !== leader)!).member;
    await world.run(followers.find("orders", 0));
    await world.pass(POLL_AFTER_READ_MS + POLL_INTERVAL_MS);
    await produce(world, "orders");
    await world.run(followers.find("orders", 0));
    await world.pass(5 * POLL_INTERVAL_MS);
    const found = await world.run(followers.find("orders", 0));
    expect(typeof found === "number" ? `error ${found}` : found.highWatermark).toBe(1);
  });

  it("refuses consumers once it is elected, until it has taken over", async () => {
    const world = await settledWorld();
    await create(world, "orders", 1, 3);
    await world.settled();
    await produce(world, "orders");
    const { leader } = imageOf(world, "orders");
    const others = world.brokers.filter(({ id }) => id !== leader);
    for (const { member } of others) await world.run(member.followers.find("orders", 0));
    world.broker(leader).kill();
    const elected = () => others.find(({ id, member }) => leaderOf(member) === id);
    const leaderOf = ({ metadata }: (typeof others)[number]["member"]) => {
      return metadata.image.topics.get("orders")!.partitions[0]!.leader;
    };
    await world.until("one is elected", () => elected() !== undefined);
    expect(elected()!.partition("orders")).toBeNull();
    const refused = await world.run(elected()!.member.followers.find("orders", 0));
    expect(refused).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  it("refuses consumers when it can't know how far behind it is", async () => {
    const world = await settledWorld();
    await create(world, "orders", 1, 2);
    await world.settled();
    const { leader, replicas } = imageOf(world, "orders");
    const stranger = world.broker([1, 2, 3].find((id) => !replicas.includes(id))!);
    const away = ErrorCode.NOT_LEADER_OR_FOLLOWER;
    expect(await world.run(stranger.member.followers.find("orders", 0))).toBe(away);
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    expect(await world.run(stranger.member.followers.find("nothing", 0))).toBe(unknown);
    const follower = world.broker(replicas.find((id) => id !== leader)!);
    expect(typeof (await world.run(follower.member.followers.find("orders", 0)))).toBe("object");
    follower.cutOff(true);
    await world.pass(CONTROLLER_SESSION_MS + 500);
    if (world.controllerId(follower) === follower.id) return;
    expect(await world.run(follower.member.followers.find("orders", 0))).toBe(away);
  });
});
