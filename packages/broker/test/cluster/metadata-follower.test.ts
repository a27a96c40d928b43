import { expect, it } from "vitest";
import { MetadataFollower } from "../../src/cluster/metadata-follower.ts";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import type { LeaderLog } from "../../src/log/replication.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import type { MetadataImage } from "../../src/metadata/image.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";
import { METADATA_LOG, METADATA_LOG_OPTIONS } from "../../src/metadata/metadata-log.ts";
import { configRecord, type MetadataRecord, topicRecord } from "../../src/metadata/records.ts";
import { ReplayedState } from "../../src/state-machine/replayed-state.ts";
import { World } from "../log/jetstream/world.ts";
import { textOf } from "./image-text.ts";

/** Fifty of these topics fill a batch, so that a snapshot takes two batches. */
const LARGE = "x".repeat(20_000);
const TOPICS = 4;
const CONFIGS = 80;

it("shows an image when it has read up to an end that a controller announced", async () => {
  const { world, writer, follower, images } = await followed();
  await world.run(writer.decide(() => decision(topicRecord("a", idOf(0)))));
  await world.pass(2_000);
  expect(images).toEqual([]);
  follower.noteEnd(writer.log.endOffset);
  const showing = reached(follower, writer.log.endOffset);
  await world.run(showing);
  expect(images.map((image) => [...image.topics.keys()])).toEqual([["a"]]);
  expect(follower.offset).toBe(1);
  // Later records are read although no controller announced them.
  await world.run(writer.decide(() => decision(topicRecord("b", idOf(1)))));
  await world.run(reached(follower, 2));
  expect(images.at(-1)!.topics.size).toBe(2);
});

it("never shows half a snapshot, whichever end was announced last", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const { world, writer, follower, images } = await followed(seed);
    world.model.lag = () => world.random.below(4);
    await world.run(writer.decide(() => decision(...everything(0))));
    let isCutOff = false;
    for (let round = 1; round < 60; round++) {
      await world.run(writer.decide(() => decision(...changes(round))));
      if (world.random.chance(0.2)) isCutOff = !isCutOff;
      if (!isCutOff) follower.noteEnd(writer.log.endOffset);
      await world.pass(world.random.below(world.random.chance(0.1) ? 6_000 : 200));
    }
    expect(writer.log.startOffset).toBeGreaterThan(0);
    follower.noteEnd(writer.log.endOffset);
    await world.run(reached(follower, writer.log.endOffset));
    for (const image of images) expect(configCount(image)).toBe(CONFIGS);
    expect(textOf(images.at(-1)!)).toBe(textOf(writer.machine.state));
    await world.run(follower.close());
  }
});

it("begins with a whole snapshot, although a former controller was heard first", async () => {
  const { world, writer, engine } = await followed();
  await world.run(writer.decide(() => decision(...everything(0))));
  for (let round = 1; writer.log.startOffset === 0; round++) {
    await world.run(writer.decide(() => decision(...changes(round))));
    await world.pass(50);
  }
  const { startOffset, endOffset } = writer.log;
  const log = await world.run(engine.replication.follow(METADATA_LOG, METADATA_LOG_OPTIONS));
  // So it is on a replica that has only a part of the snapshot.
  const half = new Proxy(log, {
    get(_, name: keyof typeof log) {
      if (name === "endOffset") return visibleEnd;
      const value = log[name];
      return typeof value === "function" ? value.bind(log) : value;
    },
  });
  let visibleEnd = startOffset + TOPICS + 20;
  const images: MetadataImage[] = [];
  const follower = new MetadataFollower(half, {
    ...{ env: { timers: world.time }, logger: silentLogger },
    onImage: (image) => images.push(image),
  });
  follower.start();
  follower.noteEnd(startOffset - 1);
  await world.pass(1_000);
  expect(images.map(configCount)).toEqual([]);
  visibleEnd = endOffset;
  // The log calls `onAdvance` only when it grows.
  await world.run(writer.decide(() => decision(...changes(0))));
  follower.noteEnd(endOffset);
  await world.run(reached(follower, endOffset));
  expect(images.map(configCount)).toEqual([CONFIGS]);
});

/** Every topic with its configs, as text. */
function everything(round: number): MetadataRecord[] {
  const topics = Array.from({ length: TOPICS }, (_, at) => topicRecord(`topic-${at}`, idOf(at)));
  return [...topics, ...Array.from({ length: CONFIGS }, (_, at) => configOf(at, round))];
}

function changes(round: number): MetadataRecord[] {
  return Array.from({ length: 8 }, (_, at) => configOf((8 * round + at) % CONFIGS, round));
}

function configOf(at: number, round: number): MetadataRecord {
  const name = `topic-${at % TOPICS}`;
  return configRecord(ResourceType.topic, name, `config-${at}`, `${round}${LARGE}`);
}

function configCount(image: MetadataImage): number {
  let count = 0;
  for (const values of image.configs.get(ResourceType.topic)?.values() ?? []) count += values.size;
  return count;
}

async function followed(seed = 1) {
  const world = new World({ seed });
  const [engine, other] = [world.engine(), world.engine()];
  await world.run(engine.replication.provision(METADATA_LOG, METADATA_LOG_OPTIONS));
  const led = await world.run(engine.replication.lead(METADATA_LOG, METADATA_LOG_OPTIONS));
  const machine = await world.run(load(led));
  const log = await world.run(other.replication.follow(METADATA_LOG, METADATA_LOG_OPTIONS));
  const images: MetadataImage[] = [];
  const follower = new MetadataFollower(log, {
    ...{ env: { timers: world.time }, logger: silentLogger },
    onImage: (image) => images.push(image),
  });
  follower.start();
  const decide = machine.decide.bind(machine);
  return { world, writer: { log: led, machine, decide }, follower, images, engine: other };
}

function load(log: LeaderLog): Promise<ReplayedState<MetadataImage, MetadataRecord>> {
  const { leaderEpoch } = log;
  return ReplayedState.load(metadataMachine, {
    ...{ log, leaderEpoch },
    wallMs: () => 0,
    snapshotMinRecords: 40,
  });
}

function decision(...records: MetadataRecord[]) {
  return { records, response: undefined };
}

function idOf(number: number): string {
  return `11111111-1111-1111-1111-${String(number).padStart(12, "0")}`;
}

function reached(follower: MetadataFollower, offset: number): Promise<void> {
  return new Promise((resolve) => {
    const reaching = follower.whenShown(offset);
    if (reaching === null) resolve();
    else reaching.onOpen(resolve);
  });
}
