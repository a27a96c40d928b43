import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import {
  BROKER_SESSION_MS,
  CONTROLLER_SESSION_MS,
  HEARTBEAT_INTERVAL_MS,
  LEAVE_TIMEOUT_MS,
} from "../../src/cluster/limits.ts";
import { STOP_GRACE_MS } from "../../src/log/jetstream/limits.ts";
import { streamNameOf } from "../../src/log/jetstream/stream-config.ts";
import { METADATA_LOG } from "../../src/metadata/metadata-log.ts";
import { REPLICATED_CLOSE_GRACE_MS } from "../../src/partition/limits.ts";
import { createTopics } from "../metadata/ask.ts";
import { append, create, imageOf, produce, settledWorld } from "./requests.ts";

const TOPIC = "orders";
/** How long a stop takes when no broker is left that could take over. */
const STOP_MS = 2 * STOP_GRACE_MS;
/** The same if the broker must first notice that the others are gone. */
const ALONE_STOP_MS = BROKER_SESSION_MS + HEARTBEAT_INTERVAL_MS + STOP_MS;

describe("a broker", () => {
  it("that is killed loses its partitions to other leaders, under new epochs", async () => {
    const world = await settledWorld();
    await create(world, TOPIC, 6, 3);
    await world.settled();
    const victim = world.bystander;
    const before = [0, 1, 2, 3, 4, 5].map((index) => imageOf(world, TOPIC, index));
    victim.kill();
    await world.settled();
    for (const [index, { leader, leaderEpoch }] of before.entries()) {
      const now = imageOf(world, TOPIC, index);
      expect(now.leader).not.toBe(victim.id);
      expect(now.leaderEpoch).toBe(leader === victim.id ? leaderEpoch + 1 : leaderEpoch);
      await produce(world, TOPIC, index);
    }
    expect(before.some(({ leader }) => leader === victim.id)).toBe(true);
    world.check();
  });

  it("that was cut off can't append to partitions that another broker leads now", async () => {
    const world = await settledWorld();
    await create(world, TOPIC, 3, 3);
    await world.settled();
    const former = world.bystander;
    const index = [0, 1, 2].find((each) => imageOf(world, TOPIC, each).leader === former.id)!;
    const partition = former.partition(TOPIC, index)!;
    expect((await world.run(append(partition))).errorCode).toBe(ErrorCode.NONE);
    // Only messages between brokers are lost: it reaches the log, but knows of no new leader.
    former.life!.bus.cut = true;
    const other = () => world.serving.find((one) => one !== former && one.partition(TOPIC, index));
    await world.until("another leads", () => other() !== undefined);
    expect((await world.run(append(other()!.partition(TOPIC, index)!))).errorCode).toBe(0);
    const outcome = await world.run(append(partition));
    expect(outcome.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    former.life!.bus.cut = false;
    await world.settled();
    world.check();
  });

  it("that restarts leads its partitions under new epochs", async () => {
    const world = await settledWorld();
    await create(world, TOPIC, 3, 3);
    await world.settled();
    const { controller } = world;
    const index = [0, 1, 2].find((each) => imageOf(world, TOPIC, each).leader === controller.id)!;
    const { leaderEpoch } = imageOf(world, TOPIC, index);
    const partition = controller.partition(TOPIC, index)!;
    controller.kill({ server: false });
    // It is back before its session expires.
    await world.run(controller.start().serving);
    await world.settled();
    expect(imageOf(world, TOPIC, index).leaderEpoch).toBeGreaterThan(leaderEpoch);
    expect(controller.partition(TOPIC, index)).not.toBe(partition);
    await produce(world, TOPIC, index);
    world.check();
  });

  it("that was paused for long becomes a member of the cluster again", async () => {
    const world = await settledWorld();
    await create(world, TOPIC, 3, 3);
    await world.settled();
    const { controller } = world;
    controller.life!.process.pause();
    await world.pass(30_000);
    for (const index of [0, 1, 2]) await produce(world, TOPIC, index);
    controller.life!.process.resume();
    await world.settled();
    expect(world.controllerId()).not.toBe(controller.id);
    world.check();
  });

  it("that stops in order gets no partitions, and nobody reports missing heartbeats", async () => {
    const world = await settledWorld();
    await create(world, TOPIC, 6, 3);
    await world.settled();
    const leaver = world.bystander;
    const stopping = leaver.stop();
    await world.until("it leads nothing", () => {
      return [0, 1, 2, 3, 4, 5].every((each) => imageOf(world, TOPIC, each).leader !== leaver.id);
    });
    await world.run(stopping, LEAVE_TIMEOUT_MS);
    for (const index of [0, 1, 2, 3, 4, 5]) await produce(world, TOPIC, index);
    await world.settled();
    expect(
      world.lines.filter((line) => / sends no heartbeats| sends heartbeats again/.test(line)),
    ).toEqual([]);
    world.check();
  });

  it("stops although no broker and no server answers it", async () => {
    const world = await settledWorld();
    await create(world, TOPIC, 3, 3);
    await world.settled();
    const leaver = world.bystander;
    const index = [0, 1, 2].find((each) => imageOf(world, TOPIC, each).leader === leaver.id)!;
    leaver.cutOff(true);
    const outcome = append(leaver.partition(TOPIC, index)!);
    await world.run(leaver.stop(), ALONE_STOP_MS);
    // The batch was sent, but its outcome is unknown.
    expect((await outcome).errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
  });

  it("stops at once when the others stop too, and no record is lost", async () => {
    const world = await settledWorld();
    await create(world, TOPIC, 6, 3);
    await world.settled();
    await produce(world, TOPIC, 3);
    await world.run(Promise.all(world.brokers.map((broker) => broker.stop())), STOP_MS);
    for (const broker of world.brokers) broker.start();
    await world.settled();
    const leader = world.broker(imageOf(world, TOPIC, 3).leader);
    expect(leader.partition(TOPIC, 3)!.highWatermark).toBeGreaterThan(0);
    world.check();
  });

  it("that is the last one stops at once", async () => {
    const world = await settledWorld();
    await create(world, TOPIC, 6, 3);
    await world.settled();
    for (const broker of world.brokers) {
      await world.run(broker.stop(), LEAVE_TIMEOUT_MS);
      // By then the last one has begun to try to become the controller, which can't succeed.
      await world.pass(CONTROLLER_SESSION_MS);
    }
    expect(world.lines.filter((line) => / (warn|error): /.test(line))).toEqual([]);
  });

  it.each([0, 1_000, 4_000])("whose others died %s ms ago stops soon", async (agoMs) => {
    const world = await settledWorld();
    await create(world, TOPIC, 6, 3);
    await world.settled();
    const last = world.bystander;
    for (const broker of world.brokers) if (broker !== last) broker.kill();
    const created = createTopics(last.member.metadata, [
      { name: "late", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    ]);
    await world.pass(agoMs);
    await world.run(last.stop(), ALONE_STOP_MS - Math.min(agoMs, BROKER_SESSION_MS));
    expect((await created)[0]!.errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
  });

  it("that is told to stop while it starts ends its calls of the engine", async () => {
    const world = await settledWorld();
    for (const broker of world.brokers) broker.kill();
    const { opening, stopping } = world.broker(1).start();
    const ended = expect(opening).rejects.toThrow("closed");
    await world.pass(1_000);
    stopping.abort(new Error("closed"));
    await world.run(ended, STOP_MS);
  });

  it("opens a partition that it leads now, although another log can't be closed", async () => {
    const world = await settledWorld();
    await create(world, "stuck", 1, 3);
    await create(world, "free", 1, 3);
    await world.settled();
    const broker = world.broker(imageOf(world, "stuck").leader);
    const stuck = [...world.model.streams.values()].find(({ config }) => {
      return JSON.stringify(config).includes('"stuck"');
    })!;
    world.model.elect(stuck, 600_000, 0);
    void append(broker.partition("stuck")!);
    const admin = broker.member.metadata.controller;
    const to = (name: string, id: number) => {
      const others = [1, 2, 3].filter((each) => each !== id);
      const partitions = [{ partitionIndex: 0, replicas: [id, ...others] }];
      return world
        .run(
          admin.alterReassignments({
            topics: [{ name, partitions }],
            allowReplicationFactorChange: false,
            timeoutMs: 5_000,
          }),
        )
        .then(() => {
          const asked = [{ topic: name, partitions: [0] }];
          const elected = admin.electLeaders({ type: 0, partitions: asked, timeoutMs: 5_000 });
          return world.run(elected);
        });
    };
    const elsewhere = [1, 2, 3].find((id) => id !== broker.id)!;
    await to("free", elsewhere);
    await to("stuck", elsewhere);
    await to("free", broker.id);
    const isOpen = () => broker.partition("free") !== null;
    await world.until("it is open", isOpen, REPLICATED_CLOSE_GRACE_MS);
    await produce(world, "free");
  });

  it("can be removed from the cluster once its replicas have moved", async () => {
    const world = await settledWorld(4);
    await create(world, TOPIC, 4, 3);
    await world.settled();
    const leaver = world.bystander;
    const other = world.controller;
    const remove = () => world.run(other.member.remove(leaver.id));
    let removal = await remove();
    expect(removal).toMatchObject({ errorCode: 0, done: false });
    expect(removal.partitionsLeft).toBeGreaterThan(0);
    for (let tries = 0; removal.partitionsLeft > 0; tries++) {
      expect(tries).toBeLessThan(60);
      await world.pass(1_000);
      removal = await remove();
    }
    expect(removal.errorMessage).toContain("stop it now");
    await world.run(leaver.stop());
    await world.until("it is fenced", () => {
      return other.member.metadata.image.brokers.get(leaver.id)!.fenced;
    });
    removal = await remove();
    expect(removal).toMatchObject({ done: true, partitionsLeft: 0 });
    expect(world.servers.removed).toEqual([leaver.id]);
    expect([...other.member.metadata.image.brokers.keys()]).not.toContain(leaver.id);
    expect(await remove()).toMatchObject({ errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED });
    const isWhole = () => {
      const replicas = world.servers.replicasOf(streamNameOf(METADATA_LOG));
      return replicas.length === 3 && !replicas.includes(leaver.id);
    };
    await world.until("the metadata is whole", isWhole, 20_000);
    for (const index of [0, 1, 2, 3]) await produce(world, TOPIC, index);
    world.check();

    // If it is started again it is refused, and its server is removed again once it is down.
    const refused = expect(leaver.start().serving).rejects.toMatchObject({
      code: "TARPAN_BROKER_REMOVED",
      message: expect.stringContaining(`delete /data-${leaver.id}`),
    });
    await world.until("its server runs", () => world.servers.isUp(leaver.id));
    expect(world.servers.removed).toEqual([]);
    await world.run(refused);
    leaver.kill();
    await world.until("its server is gone", () => world.servers.removed.length > 0, 20_000);
    expect([...other.member.metadata.image.brokers.keys()]).not.toContain(leaver.id);
    // With an empty data directory the same id is a new broker.
    await leaver.fs.remove(`/data-${leaver.id}`);
    await world.run(leaver.start().serving);
    await world.settled();
    world.check();
  });
});
