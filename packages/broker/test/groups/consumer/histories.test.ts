import { describe, expect, it } from "vitest";
import { has, union } from "../../../src/groups/model/consumer/assignment.ts";
import { SeededRandom, seedOf } from "../../env/seeded-random.ts";
import { SimulatedMember, type Subscription } from "./simulated-member.ts";
import { ConsumerWorld, HEARTBEAT_MS, hardState } from "./world.ts";

const TOPICS = ["a", "b", "c"];
const STEPS = 400;
const HISTORIES = 12;

/** Members join, leave and crash; answers are lost; topics change; the coordinator is reloaded. */
class History {
  readonly random: SeededRandom;
  readonly world: ConsumerWorld;
  members: SimulatedMember[] = [];
  #ids = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.world = new ConsumerWorld({ groupConsumerMaxSize: 12 }, { seed });
    this.world.setTopics({ a: 6, b: 3 });
  }

  #subscription(): Subscription {
    const { random } = this;
    const serverAssignor = random.pick([null, null, "uniform", "range"]);
    if (random.chance(0.3)) {
      const subscribedTopicRegex = random.pick(["[ab]", ".*", "c|a"]);
      return { subscribedTopicNames: [], subscribedTopicRegex, serverAssignor };
    }
    const subscribedTopicNames = TOPICS.filter(() => random.chance(0.6));
    return { subscribedTopicNames, subscribedTopicRegex: "", serverAssignor };
  }

  step(): void {
    const { random, world, members } = this;
    const member = members.length === 0 ? undefined : random.pick(members);
    const what = random.next();
    if (what < 0.06 || member === undefined) this.#add();
    else if (what < 0.09) this.#leave(member);
    else if (what < 0.11) this.#crash(member);
    else if (what < 0.14) member.subscribe(this.#subscription());
    else if (what < 0.17) world.setTopics({ [random.pick(TOPICS)]: random.below(8) });
    else if (what < 0.19) world.crash();
    else if (what < 0.24) world.advance(random.below(HEARTBEAT_MS));
    else this.#beat(member);
  }

  #add(): void {
    if (this.members.length >= 10) return;
    const id = this.#ids++;
    const instanceId = this.random.chance(0.3) ? `instance-${id % 4}` : null;
    const taken = this.members.some((member) => member.instanceId === instanceId);
    const instance = taken ? null : instanceId;
    this.members.push(new SimulatedMember(`member-${id}`, instance, this.#subscription()));
  }

  #leave(member: SimulatedMember): void {
    const { memberId, instanceId } = member;
    member.owned = new Map();
    const comesBack = instanceId !== null && this.random.chance(0.7);
    const memberEpoch = comesBack ? -2 : -1;
    this.world.beat({ memberId, instanceId, memberEpoch });
    if (comesBack) member.begin(`member-${this.#ids++}`);
    else this.#forget(member);
  }

  /** The process ends without a leave: only its session tells the coordinator. */
  #crash(member: SimulatedMember): void {
    this.#forget(member);
  }

  #forget(member: SimulatedMember): void {
    this.members = this.members.filter((other) => other !== member);
  }

  #beat(member: SimulatedMember): void {
    const { world, random } = this;
    member.reconcile(random);
    const recordsBefore = world.log.length;
    const { answer } = world.beat(member.request());
    if (random.chance(0.04)) {
      // The broker crashes before it has written the records or answered.
      world.log.length = recordsBefore;
      world.crash();
      member.sendFullRequestNext();
    } else if (random.chance(0.06)) {
      member.sendFullRequestNext();
    } else {
      member.receive(answer);
    }
  }

  /** All members send heartbeats in time until nothing changes any more. */
  settle(): void {
    // Long enough for the sessions of crashed members to end and for the rebalance after that.
    for (let round = 0; round < 60; round++) {
      for (const member of this.members) {
        for (let i = 0; i < 3; i++) member.reconcile(this.random);
        member.receive(this.world.beat(member.request()).answer);
        this.check();
      }
      this.world.advance(HEARTBEAT_MS);
    }
  }

  check(): void {
    const owners = new Map<string, string>();
    for (const { memberId, owned } of this.members) {
      for (const [topicId, partitions] of owned) {
        for (const partition of partitions) {
          const key = `${topicId}-${partition}`;
          if (owners.has(key)) throw new Error(`${memberId} and ${owners.get(key)} own ${key}`);
          owners.set(key, memberId);
        }
      }
    }
    const group = this.world.state.groups.get("g");
    if (group?.kind !== "consumer") return;
    const held = new Map<string, string>();
    for (const { memberId, assigned, revoking, epoch } of group.members.values()) {
      if (epoch > group.assignmentEpoch) throw new Error(`${memberId} is ahead of its group`);
      for (const [topicId, partitions] of union(assigned, revoking)) {
        for (const partition of partitions) {
          const key = `${topicId}-${partition}`;
          if (held.has(key)) throw new Error(`${memberId} and ${held.get(key)} hold ${key}`);
          held.set(key, memberId);
          if (group.ownerOf(topicId, partition) !== memberId) throw new Error(`whose is ${key}?`);
        }
      }
    }
    expect(group.assignmentEpoch).toBeLessThanOrEqual(group.epoch);
  }

  checkReplay(): void {
    const live = hardState(this.world.state);
    expect(hardState(this.world.replayed())).toEqual(live);
    if (this.world.log.length % 8 === 0) {
      const half = Math.floor(this.world.log.length / 2);
      for (const records of [this.world.compacted(), this.world.compacted(half, true)])
        expect(hardState(this.world.replayed(records))).toEqual(live);
    }
    // To apply the state's own snapshot changes nothing.
    const { machine, state } = this.world;
    for (const record of [...machine.snapshot(state)].flat()) machine.apply(state, record);
    expect(hardState(this.world.state)).toEqual(live);
  }

  checkSettled(): void {
    const group = this.world.group();
    expect(group.stateName).toBe(this.members.length === 0 ? "Empty" : "Stable");
    expect(group.members.size).toBe(this.members.length);
    const wanted = new Set(
      [...this.world.image.topics.values()]
        .filter(({ name }) => group.isSubscribedTo(name))
        .flatMap(({ id, partitions }) => partitions.map((_, i) => `${id}-${i}`)),
    );
    for (const { memberId, owned } of this.members) {
      const target = group.target(memberId)!;
      for (const [topicId, partitions] of owned) {
        for (const partition of partitions) {
          expect(has(target, topicId, partition)).toBe(true);
          expect(wanted.delete(`${topicId}-${partition}`)).toBe(true);
        }
      }
    }
    expect([...wanted]).toEqual([]);
  }
}

describe("a consumer group", () => {
  it("never has two owners of a partition, and reaches its target, in random histories", () => {
    const seed = seedOf("consumer group histories");
    for (let i = 0; i < HISTORIES; i++) {
      const history = new History(seed + i);
      for (let step = 0; step < STEPS; step++) {
        history.step();
        history.check();
        if (step % 20 === 0) history.checkReplay();
      }
      history.settle();
      history.checkReplay();
      history.checkSettled();
    }
  });
});
