import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import {
  BROKER_SESSION_MS,
  CANDIDATE_STEP_MS,
  CONTROLLER_RETRY_MS,
  CONTROLLER_SESSION_MS,
  CONTROLLER_TICK_MS,
  HEARTBEAT_INTERVAL_MS,
} from "../../src/cluster/limits.ts";
import { ASK_LEADER_EVERY_MS } from "../../src/log/jetstream/limits.ts";
import { streamNameOf } from "../../src/log/jetstream/stream-config.ts";
import { METADATA_LOG } from "../../src/metadata/metadata-log.ts";
import { LEADERSHIP_CHANGES_INTERVAL_MS } from "../../src/partition/limits.ts";
import { createTopics } from "../metadata/ask.ts";
import { settledWorld } from "./requests.ts";
import { certainlyNot, type SimulatedBroker } from "./simulated-broker.ts";

/** The controller's session, the second candidate's turn, and the latency of messages. */
const TAKE_OVER_MS =
  CONTROLLER_SESSION_MS + CANDIDATE_STEP_MS + 2 * CONTROLLER_RETRY_MS + HEARTBEAT_INTERVAL_MS;

const topic = (name: string, numPartitions = 1, replicationFactor = 3) => {
  return { name, numPartitions, replicationFactor, assignments: [], configs: [] };
};

describe("the controller", () => {
  it("is followed by another when its broker is killed", async () => {
    const world = await settledWorld();
    const { controller } = world;
    // Its server stays up: this test does not measure elections in JetStream.
    controller.kill({ server: false });
    const tookMs = await world.until("there is another", () => {
      return world.serving.every((one) => ![-1, controller.id].includes(world.controllerId(one)));
    });
    expect(tookMs).toBeLessThanOrEqual(TAKE_OVER_MS);
    await world.settled();
    world.check();
  });

  it("is elected soon after the servers have elected a Raft leader", async () => {
    const world = await settledWorld();
    const { controller } = world;
    controller.kill({ server: false });
    const sinceMs = world.time.monotonicMs();
    // A nats-server does not answer either while a stream has no leader.
    const electedMs = sinceMs + 6_000;
    for (const { life } of world.serving) {
      life!.link.silences = (operation) => {
        const isRead = operation.startsWith("STREAM.MSG.GET.tarpan-checkpoints");
        return isRead && world.time.monotonicMs() < electedMs;
      };
    }
    await world.until("there is another", () => {
      return world.serving.every((one) => ![-1, controller.id].includes(world.controllerId(one)));
    });
    expect(world.time.monotonicMs() - electedMs).toBeLessThan(2 * ASK_LEADER_EVERY_MS);
    world.check();
  });

  it("is only one of the candidates that waited for the metadata log", async () => {
    const world = await settledWorld(5);
    const { controller } = world;
    const saidBefore = world.lines.length;
    controller.kill({ server: false });
    const stream = world.model.stream(streamNameOf(METADATA_LOG));
    world.model.elect(stream, 9_000, stream.proposals.length);
    await world.settled();
    const said = world.lines.slice(saidBefore).filter((line) => line.includes("this broker is"));
    expect(said).toEqual([expect.stringContaining("this broker is the controller")]);
    world.check();
  });

  it("is named in every broker's log, as changes of brokers are, in a few lines", async () => {
    const world = await settledWorld();
    const { controller } = world;
    const topics = [topic("orders", 40)];
    await world.run(createTopics(controller.member.metadata, topics));
    await world.settled();
    await world.pass(LEADERSHIP_CHANGES_INTERVAL_MS);
    const { partitions } = controller.member.metadata.image.topics.get("orders")!;
    const led = partitions.filter(({ leader }) => leader === controller.id).length;
    const saidBefore = world.lines.length;
    controller.kill();
    await world.settled();
    await world.pass(LEADERSHIP_CHANGES_INTERVAL_MS);
    let taken = 0;
    for (const { id } of world.serving) {
      const line = new RegExp(`^\\d+ ${id} (?:info|warn): (cluster: .*)`);
      const said = world.lines.slice(saidBefore).flatMap((text) => line.exec(text)?.[1] ?? []);
      expect(said).toContainEqual(expect.stringContaining("no broker is the controller now"));
      const who = id === world.controllerId() ? "this broker" : `broker ${world.controllerId()}`;
      expect(said).toContainEqual(expect.stringContaining(`${who} is the controller, under epoch`));
      expect(said).toContain(`cluster: broker ${controller.id} is fenced and leads nothing`);
      for (const text of said) taken += Number(/leads (\d+) more/.exec(text)?.[1] ?? 0);
      expect(said.length).toBeLessThan(12);
    }
    expect(led).toBeGreaterThan(10);
    expect(taken).toBe(led);
  });

  it("is followed by another when it is cut off, and resigns when it is back", async () => {
    const world = await settledWorld();
    const { controller } = world;
    controller.cutOff(true);
    const others = world.brokers.filter((broker) => broker !== controller);
    await world.until("there is another", () => {
      return others.every((one) => ![-1, controller.id].includes(world.controllerId(one)));
    });
    // It does not know yet that it was deposed, but it can decide nothing.
    expect(world.controllerId(controller)).toBe(controller.id);
    const call = createTopics(controller.member.metadata, [topic("from-the-past")]);
    await world.pass(2_000);
    controller.cutOff(false);
    const [outcome] = await world.run(call);
    expect(outcome!.errorCode).not.toBe(ErrorCode.NONE);
    await world.settled();
    if (certainlyNot(outcome!.errorCode)) {
      expect(others[0]!.member.metadata.image.topics.has("from-the-past")).toBe(false);
    }
    world.check();
  });

  it("can't write once another one has taken over, even before it knows that", async () => {
    const world = await settledWorld();
    const { controller, bystander } = world;
    // It still reaches JetStream, where it is fenced.
    controller.life!.bus.cut = true;
    await world.until("there is another", () => {
      return ![-1, controller.id].includes(world.controllerId(bystander));
    });
    const other =
      world.controller === controller
        ? world.broker(world.controllerId(bystander))
        : world.controller;
    controller.life!.bus.cut = false;
    const offset = other.member.metadata.endOffset;
    const [outcome] = await world.run(createTopics(controller.member.metadata, [topic("late")]));
    await world.settled();
    expect(world.controllerId()).toBe(other.id);
    const isThere = other.member.metadata.image.topics.has("late");
    expect(isThere).toBe(outcome!.errorCode === ErrorCode.NONE);
    expect(other.member.metadata.endOffset).toBeGreaterThanOrEqual(offset);
    world.check();
  });

  it("hands over when its broker stops in order", async () => {
    const world = await settledWorld();
    const { controller } = world;
    const stopping = controller.stop();
    const tookMs = await world.until("there is another", () => {
      const others = world.brokers.filter((one) => one !== controller && one.serves);
      return others.every((one) => ![-1, controller.id].includes(world.controllerId(one)));
    });
    expect(tookMs).toBeLessThan(CONTROLLER_SESSION_MS);
    await world.run(stopping);
    await world.settled();
    world.check();
  });

  it("stops in order and never reports an unknown outcome as a refusal", async () => {
    const world = await settledWorld();
    const { controller, bystander } = world;
    world.model.fateOf = () => "lost";
    const created = createTopics(bystander.member.metadata, [topic("perhaps")]);
    await world.pass(100);
    const stopped = controller.stop();
    const [outcome] = await world.run(created);
    expect(outcome).toMatchObject({
      errorCode: ErrorCode.REQUEST_TIMED_OUT,
      errorMessage: expect.stringContaining("may be stored or not"),
    });
    world.model.fateOf = () => "fine";
    await world.run(stopped);
    await world.settled();
    world.check();
  });

  it("stays the same while some heartbeats are lost", async () => {
    const world = await settledWorld();
    const { id } = world.controller;
    world.network.loses = () => world.random.chance(0.3);
    await world.pass(20_000);
    world.network.loses = () => false;
    await world.settled();
    const changes = world.lines.filter((line) => line.includes("this broker is the controller"));
    expect(changes).toHaveLength(1);
    expect(world.controllerId()).toBe(id);
  });

  it("fences a broker that sends no heartbeats, but not before its session expires", async () => {
    const world = await settledWorld();
    const silent = world.bystander;
    silent.kill({ server: false });
    const isFenced = () => fencedIds(world.serving[0]!).includes(silent.id);
    await world.pass(BROKER_SESSION_MS - 2 * HEARTBEAT_INTERVAL_MS);
    expect(isFenced()).toBe(false);
    await world.until("it is fenced", isFenced, 3 * HEARTBEAT_INTERVAL_MS + CONTROLLER_TICK_MS);
    world.check();
  });
});

describe("a call of the controller", () => {
  it("reaches it from every broker, whose own image shows the effect when it returns", async () => {
    const world = await settledWorld();
    for (const broker of world.brokers) {
      const name = `from-${broker.id}`;
      const [created] = await world.run(createTopics(broker.member.metadata, [topic(name)]));
      expect(created).toMatchObject({ name, errorCode: ErrorCode.NONE });
      expect(broker.member.metadata.image.topics.get(name)?.id).toBe(created!.topic!.id);
    }
    await world.settled();
    world.check();
  });

  it("waits for a controller while there is none", async () => {
    const world = await settledWorld();
    const { bystander, controller } = world;
    controller.kill();
    const creating = createTopics(bystander.member.metadata, [topic("patient", 1, 2)]);
    const [created] = await world.run(creating);
    expect(created!.errorCode).toBe(ErrorCode.NONE);
    world.check();
  });

  it("has an unknown outcome when its answer is lost, and is not made twice", async () => {
    const world = await settledWorld();
    const { bystander } = world;
    world.network.fateOf = () => "answer lost";
    const creating = createTopics(bystander.member.metadata, [topic("unsure")]);
    const [created] = await world.run(creating);
    expect(created!.errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
    expect(bystander.member.metadata.image.topics.has("unsure")).toBe(true);
    const named = [...world.model.streams.values()].filter(({ config }) => {
      return JSON.stringify(config).includes('"unsure"');
    });
    expect(named).toHaveLength(1);
  });

  it("never claims a wrong outcome while controllers change and messages are lost", async () => {
    const world = await settledWorld();
    world.network.fateOf = () => world.random.pick(["fine", "lost", "answer lost"] as const);
    const outcomes = new Map<string, number>();
    for (let i = 0; i < 24; i++) {
      const name = `topic-${i}`;
      const broker = world.random.pick(world.serving);
      void createTopics(broker.member.metadata, [topic(name, 1, 1)]).then(([created]) => {
        outcomes.set(name, created!.errorCode);
      });
      if (i % 6 === 3) {
        const { controller } = world;
        controller.life!.bus.cut = true;
        await world.pass(CONTROLLER_SESSION_MS + world.random.below(2_000));
        controller.life!.bus.cut = false;
      }
      await world.pass(world.random.below(400));
    }
    await world.until("all are answered", () => outcomes.size === 24, 120_000);
    world.network.fateOf = () => "fine";
    await world.settled();
    const { topics } = world.serving[0]!.member.metadata.image;
    for (const [name, errorCode] of outcomes) {
      if (errorCode === ErrorCode.NONE) expect([name, topics.has(name)]).toEqual([name, true]);
      if (certainlyNot(errorCode)) expect([name, topics.has(name)]).toEqual([name, false]);
    }
    world.check();
  });
});

function fencedIds(broker: SimulatedBroker): number[] {
  const { brokers } = broker.member.metadata.image;
  return [...brokers.values()].filter(({ fenced }) => fenced).map(({ id }) => id);
}
