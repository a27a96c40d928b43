import { expect, it, vi } from "vitest";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";
import { alterConfigs, createPartitions, createTopics, deleteTopics } from "../metadata/ask.ts";
import { cluster } from "../metadata/cluster.ts";

it("a change of the metadata is applied only to the partitions that it changes", async () => {
  const { broker, hosted } = await followed();
  const { metadata } = broker;
  await createPartitions(metadata, [{ name: "a", count: 3, assignments: null }]);
  expect(hosted()).toEqual(["a-2"]);
  await metadata.nextProducerId();
  expect(hosted()).toEqual([]);
  const retention = { name: "retention.ms", operation: 0, value: "1" };
  const topic = { type: ResourceType.topic, name: "b", replace: false, changes: [retention] };
  await alterConfigs(metadata, [topic]);
  expect(hosted()).toEqual(["b-0"]);
  await deleteTopics(metadata, [{ name: "b", id: null }]);
  expect(hosted()).toEqual([]);
  expect(broker.partitions.find("b", 0)).toBeTypeOf("number");
});

it("a default for all topics is applied to every hosted partition, other configs to none", async () => {
  const { broker, hosted, settings } = await followed();
  const set = (name: string, value: string) => {
    const changes = [{ name, operation: 0, value }];
    const all = { type: ResourceType.broker, name: "", replace: false, changes };
    return alterConfigs(broker.metadata, [all]);
  };
  expect(await set("log.segment.bytes", "4000000")).toMatchObject([{ errorCode: 0 }]);
  expect(hosted()).toEqual(["a-0", "a-1", "b-0"]);
  expect(settings()).toEqual([4_000_000, 4_000_000, 4_000_000]);
  expect(await set("log.cleaner.threads", "3")).toMatchObject([{ errorCode: 0 }]);
  expect(hosted()).toEqual([]);
});

/** A broker with three partitions, and the partitions that each later change is applied to. */
async function followed() {
  const { broker } = await WholeBroker.startWith({ before: cluster([1]).records });
  const one = { replicationFactor: 1, assignments: [], configs: [] };
  await createTopics(broker.metadata, [
    { name: "a", numPartitions: 2, ...one },
    { name: "b", numPartitions: 1, ...one },
  ]);
  const host = vi.spyOn(broker.partitions, "host");
  const hosted = () => {
    const all = host.mock.calls.flatMap(([changed]) => changed);
    host.mockClear();
    return all.map(({ id }) => `${id.topic}-${id.partition}`).sort();
  };
  const settings = () =>
    [...broker.partitions.all()].map((one) => one.hosted.settings.segmentBytes);
  return { broker, hosted, settings };
}
