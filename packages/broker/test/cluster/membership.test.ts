import { describe, expect, it } from "vitest";
import type { Heartbeat } from "../../src/cluster/heartbeat.ts";
import {
  BROKER_SESSION_MS,
  CONTROLLER_SESSION_MS,
  HEARTBEAT_INTERVAL_MS,
  ISOLATED_AFTER_MS,
} from "../../src/cluster/limits.ts";
import { type Expected, Membership } from "../../src/cluster/membership.ts";
import { ManualTime } from "../env/manual-time.ts";
import { MemoryNetwork } from "../rpc/memory-bus.ts";
import { rpcOn } from "../rpc/rpc-on.ts";

describe("membership", () => {
  it("knows which brokers are alive, and their incarnations, by their heartbeats", () => {
    const { time, members, buses } = world(3);
    time.advance(BROKER_SESSION_MS + HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.liveIds()).toEqual([1, 2, 3]);
    expect(members[0]!.isAlive(2, "life-2")).toBe(true);
    expect(members[0]!.isAlive(2, "an earlier life")).toBe(false);
    buses[1]!.cut = true;
    time.advance(BROKER_SESSION_MS - HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.hasExpired(2, "life-2")).toBe(false);
    time.advance(2 * HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.hasExpired(2, "life-2")).toBe(true);
    expect(members[0]!.liveIds()).toEqual([1, 3]);
    // A broker that is cut off hears only itself.
    expect(members[1]!.liveIds()).toEqual([2]);
    buses[1]!.cut = false;
    time.advance(2 * HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.liveIds()).toEqual([1, 2, 3]);
  });

  it("believes the later of two controllers, until its session expires", () => {
    const { time, members, beats, buses } = world(3);
    beats[1] = { ...beats[1]!, controllerEpoch: 4 };
    beats[2] = { ...beats[2]!, controllerEpoch: 5 };
    time.advance(BROKER_SESSION_MS + HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.controller).toEqual({ brokerId: 3, epoch: 5, metadataEnd: 0 });
    expect(members[0]!.hasNoController).toBe(false);
    buses[2]!.cut = true;
    beats[1] = { ...beats[1]!, controllerEpoch: null };
    time.advance(CONTROLLER_SESSION_MS + HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.controller).toBeNull();
    expect(members[0]!.hasNoController).toBe(true);
  });

  it("ignores heartbeats missing from the time in which its process was paused", () => {
    const { time, members } = world(2);
    time.advance(BROKER_SESSION_MS + HEARTBEAT_INTERVAL_MS);
    // The process was paused: its clock went on, but none of its timers fired.
    time.skip(30_000);
    expect(members[0]!.hasExpired(2, "life-2")).toBe(false);
    expect(members[0]!.hasNoController).toBe(false);
    time.advance(1);
    expect(members[0]!.hasExpired(2, "life-2")).toBe(false);
    expect(members[0]!.hasNoController).toBe(false);
  });

  it("is isolated when it is cut off, but not before it could have heard the others", () => {
    const { time, members, beats, buses } = world(3);
    beats[1] = { ...beats[1]!, controllerEpoch: 4 };
    let told = 0;
    for (const member of members) {
      member.expect(ALL_SEEN);
      member.onIsolated(() => told++);
    }
    expect(members[0]!.isolated).toBe(false);
    buses[0]!.cut = true;
    time.advance(BROKER_SESSION_MS + HEARTBEAT_INTERVAL_MS);
    expect(members.map((member) => member.isolated)).toEqual([true, false, false]);
    expect(told).toBe(1);
    buses[0]!.cut = false;
    time.advance(4 * HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.isolated).toBe(false);
    // Later, it stops serving before the others lead its partitions.
    buses[0]!.cut = true;
    time.advance(ISOLATED_AFTER_MS + HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.isolated).toBe(true);
    expect(told).toBe(2);
    expect(members[1]!.hasExpired(1, "life-1")).toBe(false);
  });

  it("is isolated when the brokers it does not hear could write metadata without it", () => {
    const { time, members, beats, buses } = world(5);
    const brokers = () => [1, 2, 3, 4, 5];
    for (const member of members) member.expect({ ...ALL_SEEN, brokers });
    beats[0] = { ...beats[0]!, controllerEpoch: 4, metadataReplicas: [1, 2, 3] };
    time.advance(BROKER_SESSION_MS + HEARTBEAT_INTERVAL_MS);
    // Those that were fenced count as well: they may be back without its knowledge.
    buses[0]!.cut = true;
    buses[1]!.cut = true;
    time.advance(ISOLATED_AFTER_MS + HEARTBEAT_INTERVAL_MS);
    expect(members.map((member) => member.isolated)).toEqual([true, true, true, true, true]);
    buses[1]!.cut = false;
    time.advance(4 * HEARTBEAT_INTERVAL_MS);
    expect(members.slice(1).map((member) => member.isolated)).toEqual([true, true, true, true]);
    beats[1] = { ...beats[1]!, controllerEpoch: 5, metadataReplicas: [2, 3, 4] };
    time.advance(4 * HEARTBEAT_INTERVAL_MS);
    expect(members.map((member) => member.isolated)).toEqual([true, false, false, false, false]);
    // More than half of the brokers are gone, but not of those that hold the metadata.
    for (const index of [2, 4]) buses[index]!.cut = true;
    time.advance(ISOLATED_AFTER_MS + HEARTBEAT_INTERVAL_MS);
    expect(members.map((member) => member.isolated)).toEqual([true, false, true, false, true]);
  });

  it("stays isolated when it is back, until it has read what the controller has decided", () => {
    const { time, members, beats, buses } = world(3);
    beats[0] = { ...beats[0]!, controllerEpoch: 4, metadataEnd: 10 };
    let seen = 10;
    members[0]!.expect({
      brokers: () => [1, 2, 3],
      hasSeen: (metadataEnd) => seen >= metadataEnd,
      isConfirmed: () => true,
    });
    time.advance(BROKER_SESSION_MS + HEARTBEAT_INTERVAL_MS);
    buses[0]!.cut = true;
    beats[2] = { ...beats[2]!, controllerEpoch: 5, metadataEnd: 20 };
    time.advance(BROKER_SESSION_MS);
    buses[0]!.cut = false;
    time.advance(4 * HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.isolated).toBe(true);
    seen = 20;
    time.advance(HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.isolated).toBe(false);
  });

  it("is isolated after a pause, until it has heard the others again", () => {
    const { time, members, beats } = world(3);
    beats[1] = { ...beats[1]!, controllerEpoch: 4 };
    for (const member of members) member.expect(ALL_SEEN);
    time.advance(BROKER_SESSION_MS + HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.isolated).toBe(false);
    time.skip(ISOLATED_AFTER_MS + HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.isolated).toBe(true);
    time.advance(BROKER_SESSION_MS / 2);
    expect(members[0]!.isolated).toBe(true);
    time.advance(BROKER_SESSION_MS / 2 + 2 * HEARTBEAT_INTERVAL_MS);
    expect(members[0]!.isolated).toBe(false);
  });

  it("takes no broker for silent right after its own start", () => {
    const { time, members } = world(1);
    expect(members[0]!.hasExpired(2, "life-2")).toBe(false);
    time.advance(BROKER_SESSION_MS);
    expect(members[0]!.hasExpired(2, "life-2")).toBe(true);
  });
});

const ALL_SEEN: Expected = {
  brokers: () => [1, 2, 3],
  hasSeen: () => true,
  isConfirmed: () => true,
};

function world(count: number) {
  const time = new ManualTime();
  const network = new MemoryNetwork(time);
  const env = { clock: time, timers: time };
  const beats: Heartbeat[] = Array.from({ length: count }, (_, index) => ({
    brokerId: index + 1,
    incarnationId: `life-${index + 1}`,
    controllerEpoch: null,
    metadataEnd: 0,
    metadataReplicas: [],
    clusterId: "test",
    followerRead: false,
  }));
  const buses = beats.map(({ brokerId }) => network.bus(`broker ${brokerId}`));
  const members = buses.map((bus, index) => {
    const member = new Membership(env, rpcOn(bus, beats[index]!.brokerId, time));
    member.start();
    member.announce(() => beats[index]!);
    return member;
  });
  return { time, members, beats, buses };
}
