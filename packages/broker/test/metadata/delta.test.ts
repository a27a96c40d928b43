import { describe, expect, it, vi } from "vitest";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { applyMetadata } from "../../src/metadata/apply.ts";
import { deltaBetween } from "../../src/metadata/delta.ts";
import { EMPTY_IMAGE, type MetadataImage } from "../../src/metadata/image.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";
import {
  configRecord,
  type MetadataRecord,
  partitionChangeRecord,
  partitionRecord,
  registerBrokerRecord,
  removeTopicRecord,
  topicRecord,
  unregisterBrokerRecord,
} from "../../src/metadata/records.ts";
import { TrieMap } from "../../src/util/trie-map.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { cluster, incarnationOf, topicIdOf } from "./cluster.ts";

describe("the delta of two images", () => {
  it("has the partition that has changed, and no other", () => {
    const history = cluster([1, 2], { a: [[1], [2], [1]], b: [[2]] });
    const before = history.image;
    history.change("a", 1, { leader: 2 });
    const delta = deltaBetween(before, history.image);
    const { topics, brokers, configs } = delta;
    expect(topics.map(({ name }) => name)).toEqual(["a"]);
    expect(topics[0]!.partitions).toEqual([
      {
        index: 1,
        before: before.topics.get("a")!.partitions[1],
        now: history.image.topics.get("a")!.partitions[1],
      },
    ]);
    expect([brokers, configs]).toEqual([[], []]);
    expect(deltaBetween(before, before)).toEqual({
      ...{ topics: [], brokers: [], configs: [], acls: [] },
    });
  });

  it("has a deleted topic before a new one with the same name", () => {
    const history = cluster([1], { a: [[1]] });
    const before = history.image;
    const again = "22222222-2222-2222-2222-222222222222";
    const next = applyMetadata(before, [
      topicRecord("a", again),
      removeTopicRecord(topicIdOf("a")),
    ]);
    const { topics } = deltaBetween(before, next);
    expect(topics.map(({ id, name, now }) => [id, name, now !== null])).toEqual([
      [topicIdOf("a"), "a", false],
      [again, "a", true],
    ]);
  });

  it("has brokers and resources that are new, changed or deleted", () => {
    const history = cluster([1, 2, 3]);
    const before = history.image;
    const [, second, third] = [...before.brokers.values()];
    const set = (name: string, value: string | null) => {
      return configRecord(ResourceType.group, name, "consumer.session.timeout.ms", value);
    };
    history.take({ records: [set("kept", "1"), set("goes", "1")], response: undefined });
    const configured = history.image;
    const records = [
      registerBrokerRecord({ ...second!, fenced: true }),
      unregisterBrokerRecord(third!),
      registerBrokerRecord({ ...second!, id: 4 }),
      set("goes", null),
      set("comes", "1"),
    ];
    history.take({ records, response: undefined });
    const { brokers } = deltaBetween(before, history.image);
    expect(brokers.map((one) => [one.id, one.before !== null, one.now !== null])).toEqual([
      [2, true, true],
      [4, false, true],
      [3, true, false],
    ]);
    const names = (since: MetadataImage, until: MetadataImage) => {
      return deltaBetween(since, until).configs.map(({ name }) => name);
    };
    expect(names(configured, history.image).sort()).toEqual(["comes", "goes"]);
    expect(names(before, history.image).sort()).toEqual(["comes", "kept"]);
    expect(names(history.image, before).sort()).toEqual(["comes", "kept"]);
  });
});

it("a delta holds all differences of two random images", () => {
  const random = new SeededRandom(seedOf("metadata deltas"));
  for (let round = 0; round < 10; round++) {
    let image: MetadataImage = EMPTY_IMAGE;
    const images = [image];
    for (let step = 0; step < 150; step++) {
      for (let i = random.below(2); i >= 0; i--) {
        image = applyMetadata(image, [randomChange(image, random)]);
      }
      images.push(image);
    }
    const rebuilt = applyMetadata(EMPTY_IMAGE, [...metadataMachine.snapshot(image)].flat());
    for (const previous of [images.at(-2)!, random.pick(images), random.pick(images)]) {
      for (const next of [image, random.pick(images), rebuilt]) {
        expect(patched(previous, next)).toEqual(plain(next));
      }
    }
  }
});

it("a delta is found without looking at all topics", () => {
  const records = Array.from({ length: 5_000 }, (_, i) => topicRecord(`t${i}`, topicIdOf(`t${i}`)));
  const before = applyMetadata(EMPTY_IMAGE, records);
  const next = applyMetadata(before, [removeTopicRecord(topicIdOf("t7"))]);
  const walk = vi.spyOn(TrieMap.prototype, "entries");
  expect(deltaBetween(before, next).topics).toHaveLength(1);
  expect(walk).not.toHaveBeenCalled();
  walk.mockRestore();
});

function randomChange(image: MetadataImage, random: SeededRandom): MetadataRecord {
  const topics = [...image.topics.values()];
  const roll = random.next();
  if (topics.length < 3 || (roll < 0.3 && topics.length < 50)) {
    const free = Array.from({ length: 60 }, (_, i) => `t${i}`).filter((n) => !image.topics.has(n));
    const name = random.pick(free);
    const id = `33333333-3333-3333-3333-${String(random.below(1e12)).padStart(12, "0")}`;
    return topicRecord(name, id);
  }
  const topic = random.pick(topics);
  if (roll < 0.45) return removeTopicRecord(topic.id);
  if (roll < 0.65) {
    const value = random.chance(0.4) ? null : String(random.below(9));
    return configRecord(ResourceType.topic, topic.name, "retention.ms", value);
  }
  if (roll < 0.75) {
    const id = 1 + random.below(5);
    const fenced = random.chance(0.5);
    const at = { host: "h", port: 1, rack: null, epoch: 0, fenced, features: [] };
    return registerBrokerRecord({ id, incarnationId: incarnationOf(id, random.below(9)), ...at });
  }
  const [broker] = image.brokers.values();
  if (roll < 0.8 && broker !== undefined) return unregisterBrokerRecord(broker);
  if (topic.partitions.length > 0 && random.chance(0.5)) {
    const index = random.below(topic.partitions.length);
    return partitionChangeRecord(topic.id, index, { leader: random.below(3) });
  }
  const one = { replicas: [1], isr: [1], adding: [], removing: [] };
  const partition = { ...one, leader: 1, leaderEpoch: 0, partitionEpoch: 0 };
  return partitionRecord(topic.id, topic.partitions.length, partition);
}

type Plain = Map<string, unknown>;

/** All parts of an image, each under a name of its own. */
function plain({ topicsById, brokers, configs }: MetadataImage): Plain {
  const things: Plain = new Map();
  for (const { id, name, partitions } of topicsById.values()) {
    things.set(`topic ${id}`, name);
    for (const [index, one] of partitions.entries()) things.set(`partition ${id} ${index}`, one);
  }
  for (const [id, one] of brokers) things.set(`broker ${id}`, one);
  for (const [type, resources] of configs) {
    for (const [name, values] of resources) things.set(`configs ${type} ${name}`, new Map(values));
  }
  return things;
}

/** The parts of the first image, changed as the delta says. */
function patched(previous: MetadataImage, next: MetadataImage): Plain {
  const things = plain(previous);
  const put = (name: string, value: unknown) => {
    if (value === null || value === undefined) things.delete(name);
    else things.set(name, value);
  };
  const delta = deltaBetween(previous, next);
  for (const { id, name, now, partitions } of delta.topics) {
    put(`topic ${id}`, now && name);
    for (const { index, now: partition } of partitions) put(`partition ${id} ${index}`, partition);
  }
  for (const { id, now } of delta.brokers) put(`broker ${id}`, now);
  for (const { type, name } of delta.configs) {
    const values = next.configs.get(type)?.get(name);
    put(`configs ${type} ${name}`, values && new Map(values));
  }
  return things;
}
