import assert from "node:assert/strict";
import { describe, expect, it } from "vitest";
import type { ReplicaStates } from "../../src/log/replication.ts";
import { applyMetadata } from "../../src/metadata/apply.ts";
import {
  decideFenceBroker,
  decideRegisterBroker,
  decideUnfenceBroker,
} from "../../src/metadata/decide-broker.ts";
import { decideDeleteTopics } from "../../src/metadata/decide-delete-topics.ts";
import {
  decideElectLeaders,
  decidePreferredLeaders,
} from "../../src/metadata/decide-elect-leaders.ts";
import { decideIsr, misplacedLogs } from "../../src/metadata/decide-isr.ts";
import { decideReassign } from "../../src/metadata/decide-reassign.ts";
import { decideUnregisterBroker } from "../../src/metadata/decide-unregister-broker.ts";
import { aliveBrokers, raftLeadersOf } from "../../src/metadata/elect-leader.ts";
import { EMPTY_IMAGE, type MetadataImage, partitionsOf } from "../../src/metadata/image.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";
import type { Outcome } from "../../src/metadata/outcome.ts";
import { isRefusal, placePartitions } from "../../src/metadata/placement.ts";
import { planDecommission, planRebalance } from "../../src/metadata/plan-replicas.ts";
import { isReassigning, targetReplicas } from "../../src/metadata/reassignment.ts";
import { type MetadataRecord, partitionRecord, topicRecord } from "../../src/metadata/records.ts";
import { newTopicId, randomUuid } from "../../src/metadata/topic-ids.ts";
import type { Decision } from "../../src/state-machine/replayed-state.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

const NAMES = ["a", "b", "c"];
const BROKERS = [1, 2, 3, 4, 5];
const NOTHING = { records: [], response: undefined };
const ANY_FACTOR = { allowReplicationFactorChange: true };

/** A controller over an engine that reports random states, until the test ends that. */
class Simulation {
  image: MetadataImage = EMPTY_IMAGE;
  readonly records: MetadataRecord[] = [];
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  step(): void {
    const before = this.image;
    const { records } = this.#decide();
    this.image = applyMetadata(before, records);
    this.records.push(...records);
    checkStep(before, this.image);
  }

  #decide(): Decision<MetadataRecord, unknown> {
    const random = this.#random;
    const { image } = this;
    const id = random.pick(BROKERS);
    const incarnationId = image.brokers.get(id)?.incarnationId ?? randomUuid(random);
    const raftLeaderOf = raftLeadersOf(this.#someStates());
    switch (random.below(12)) {
      case 0:
        return this.#register(id, random.chance(0.2) ? incarnationId : randomUuid(random));
      case 1:
        return decideFenceBroker(image, id, incarnationId, raftLeaderOf);
      case 2:
        return decideUnfenceBroker(image, id, incarnationId, raftLeaderOf);
      case 3:
        return decideUnregisterBroker(image, id);
      case 4:
        return this.#createTopic();
      case 5:
        return decideDeleteTopics(image, random.chance(0.3) ? [{ name: "a", id: null }] : []);
      case 6:
        return decideElectLeaders(image, random.below(2), null, raftLeaderOf);
      case 7:
        return decidePreferredLeaders(image, random.below(40));
      case 8:
        return this.#reassign();
      case 9:
        return this.#follow(id);
      default:
        return decideIsr(image, this.#someStates());
    }
  }

  /** Reports every replica as placed by the metadata and in sync. */
  becomeWell(): void {
    const states = this.#states((target) => target);
    const { records } = decideIsr(this.image, states);
    this.image = applyMetadata(this.image, records);
    this.records.push(...records);
    expect(misplacedLogs(this.image, states)).toEqual([]);
  }

  #register(id: number, incarnationId: string): Decision<MetadataRecord, Outcome> {
    const at = { host: "h", port: 1, rack: null };
    const broker = { id, incarnationId, ...at, unclean: false, features: [] };
    return decideRegisterBroker(this.image, broker, { clustered: true });
  }

  #createTopic(): Decision<MetadataRecord, void> {
    const name = this.#random.pick(NAMES);
    const factor = 1 + this.#random.below(3);
    const placed = placePartitions(this.image, 1 + this.#random.below(4), factor, 0);
    if (isRefusal(placed) || this.image.topics.has(name)) return NOTHING;
    const id = newTopicId(this.#random);
    const partitions = placed.partitions.map((one, index) => partitionRecord(id, index, one));
    return { records: [topicRecord(name, id), ...partitions], response: undefined };
  }

  #reassign(): Decision<MetadataRecord, unknown> {
    const cancelled = this.#random.chance(0.3);
    const wanted = BROKERS.filter(() => this.#random.chance(0.5));
    const partitions = [{ partitionIndex: 0, replicas: cancelled ? null : wanted }];
    const topics = [{ name: this.#random.pick(NAMES), partitions }];
    return decideReassign(this.image, topics, ANY_FACTOR);
  }

  #follow(id: number): Decision<MetadataRecord, unknown> {
    const plan = (this.#random.chance(0.5) ? planDecommission : planRebalance)(this.image, id);
    if (isRefusal(plan)) return NOTHING;
    const decision = decideReassign(this.image, plan.topics, ANY_FACTOR);
    const codes = decision.response.flatMap((topic) => topic.partitions.map((p) => p.errorCode));
    // A plan may only be refused if none of a partition's replicas is in sync.
    expect(codes.every((code) => code === 0 || code === 39)).toBe(true);
    return decision;
  }

  #someStates(): ReplicaStates[] {
    const some = () => BROKERS.filter(() => this.#random.chance(0.5));
    return this.#states(some).filter(() => this.#random.chance(0.7));
  }

  #states(currentOf: (target: readonly number[]) => readonly number[]): ReplicaStates[] {
    return [...partitionsOf(this.image)].map(({ topic, index, partition }) => {
      const current = currentOf(targetReplicas(partition));
      const id = { topic: topic.name, topicId: topic.id, partition: index };
      const replicas = current.map((brokerId) => ({ brokerId, current: true, lag: 0 }));
      return { id, raftLeader: current[0] ?? null, sizeBytes: 0, replicas };
    });
  }
}

/** Uses `assert`, which is much cheaper than `expect`: it runs thousands of times. */
function checkStep(before: MetadataImage, after: MetadataImage): void {
  const alive = aliveBrokers(after);
  for (const { topic, index, partition } of partitionsOf(after)) {
    const { replicas, isr, adding, removing, leader, leaderEpoch } = partition;
    assert(alive.size === 0 ? leader === -1 : alive.has(leader), "one leader, and alive");
    assert.equal(new Set(replicas).size, replicas.length);
    assert(targetReplicas(partition).length > 0);
    assert(isr.length > 0 && isr.every((id) => replicas.includes(id)));
    assert([...adding, ...removing].every((id) => replicas.includes(id)));
    assert(!adding.some((id) => removing.includes(id)));
    assert(
      replicas.every((id) => after.brokers.has(id)),
      "placed on brokers that exist",
    );
    const was = before.topicsById.get(topic.id)?.partitions[index];
    if (was === undefined || was === partition) continue;
    assert.equal(partition.partitionEpoch, was.partitionEpoch + 1, "one record a decision");
    assert(leaderEpoch === was.leaderEpoch || leaderEpoch === was.leaderEpoch + 1);
    assert(leader === was.leader || leaderEpoch > was.leaderEpoch);
  }
}

/** Records after encoding and decoding, as the log keeps them. */
function stored(records: readonly MetadataRecord[]): MetadataRecord[] {
  return records.map((record) => metadataMachine.decode(metadataMachine.encode(record))!);
}

function plain(image: MetadataImage) {
  const { topics, topicsById, brokers, features } = image;
  return { topics: new Map(topics), topicsById: new Map(topicsById), brokers, features };
}

describe("the controller", () => {
  it("keeps a leader in every partition whatever happens, and replays to the same image", () => {
    const seed = seedOf("controller decisions");
    for (let round = 0; round < 60; round++) {
      const simulation = new Simulation(seed + round);
      for (let i = 0; i < 120; i++) simulation.step();
      simulation.becomeWell();
      const { image, records } = simulation;
      expect(plain(applyMetadata(EMPTY_IMAGE, stored(records)))).toEqual(plain(image));
      const snapshot = stored([...metadataMachine.snapshot(image)].flat());
      expect(plain(applyMetadata(EMPTY_IMAGE, snapshot))).toEqual(plain(image));
      for (const { partition } of partitionsOf(image)) {
        expect(isReassigning(partition), "what was begun was finished").toBe(false);
        expect(partition.isr).toEqual(partition.replicas);
      }
    }
  });
});
