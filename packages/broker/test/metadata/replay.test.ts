import { AclOperation, AclPatternType, AclPermissionType, AclResourceType } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { applyMetadata } from "../../src/metadata/apply.ts";
import { EMPTY_IMAGE, type MetadataImage } from "../../src/metadata/image.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";
import type { Metadata } from "../../src/metadata/metadata.ts";
import { partitionChangeRecord } from "../../src/metadata/records.ts";
import type { Acl } from "../../src/security/acl.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { alterConfigs, createPartitions, createTopics, deleteTopics } from "./ask.ts";
import { openMetadata, spec, testEnv } from "./support.ts";

const NAMES = ["a", "b", "c.d", "c_d", "e", "f-g"];
const KEYS = ["retention.ms", "segment.bytes", "cleanup.policy", "no.such.key"];
const VALUES = ["1048576", "compact", "-1", "delete"];

/** One random decision, sensible or not. */
async function decideSomething(metadata: Metadata, random: SeededRandom): Promise<void> {
  const name = random.pick(NAMES);
  const change = {
    name: random.pick(KEYS),
    operation: random.below(4),
    value: random.pick(VALUES),
  };
  switch (random.below(10)) {
    case 0:
    case 1: {
      const configs = random.chance(0.5) ? [change] : [];
      await createTopics(metadata, [spec(name, { numPartitions: random.below(4), configs })]);
      return;
    }
    case 2:
      await deleteTopics(metadata, [{ name, id: null }]);
      return;
    case 3:
      await createPartitions(metadata, [{ name, count: random.below(8), assignments: null }]);
      return;
    case 8:
      await metadata.controller.createAcls({ acls: [acl(random), acl(random)] });
      return;
    case 9:
      await metadata.controller.deleteAcls({ filters: [{ ...acl(random), host: null }] });
      return;
    case 4:
      await metadata.nextProducerId();
      return;
    case 5:
      await metadata.registerBroker({ host: "h", port: 9092, unclean: random.chance(0.5) });
      return;
    default: {
      const type = random.chance(0.7) ? ResourceType.topic : ResourceType.broker;
      const resource = type === ResourceType.topic ? name : random.pick(["", "1"]);
      const replace = random.chance(0.3);
      await alterConfigs(metadata, [{ type, name: resource, replace, changes: [change] }]);
    }
  }
}

function acl(random: SeededRandom): Acl {
  return {
    ...{ resourceType: AclResourceType.topic, patternType: AclPatternType.literal },
    resourceName: random.pick(NAMES),
    principal: `User:${random.pick(["a", "b"])}`,
    host: random.pick(["*", "10.0.0.1"]),
    ...{ operation: AclOperation.read, permissionType: AclPermissionType.allow },
  };
}

/** An image as plain maps: the order of their entries does not matter. */
function plain(image: MetadataImage) {
  return {
    ...image,
    topics: new Map(image.topics),
    topicsById: new Map(image.topicsById),
    metricNames: new Map(image.metricNames),
    acls: new Map(image.acls),
    aclIds: new Map([...image.aclIds].map(([name, ids]) => [name, ids.toSorted()])),
    configs: new Map([...image.configs].map(([type, byName]) => [type, new Map(byName)])),
  };
}

describe("replay", () => {
  it("leads to the same image as live decisions", async () => {
    const seed = seedOf("metadata decisions");
    const random = new SeededRandom(seed);
    for (let round = 0; round < 30; round++) {
      const { metadata, log } = await openMetadata({ env: testEnv(seed + round) });
      for (let i = 0; i < 40; i++) {
        // Some are made at the same time, so that several share a batch.
        const together = Array.from({ length: 1 + random.below(3) }, () => 0);
        await Promise.all(together.map(() => decideSomething(metadata, random)));
      }
      const { image } = metadata;
      const reloaded = await openMetadata({ log, brokers: [] });
      expect(plain(reloaded.metadata.image)).toEqual(plain(image));
      const snapshot = [...metadataMachine.snapshot(image)].flat();
      expect(plain(applyMetadata(EMPTY_IMAGE, snapshot))).toEqual(plain(image));
      expect(plain(applyMetadata(image, snapshot))).toEqual(plain(image));
      expect(new Set(image.topicsById.values())).toEqual(new Set(image.topics.values()));
    }
  });

  it("stays short although topics are created and deleted for long", async () => {
    const { metadata, log } = await openMetadata();
    await createTopics(metadata, [spec("kept", { numPartitions: 3 })]);
    for (let i = 0; i < 25; i++) {
      await createTopics(metadata, [spec("passing", { numPartitions: 1_000 })]);
      await deleteTopics(metadata, [{ name: "passing", id: null }]);
    }
    await metadata.settled();
    expect(log.startOffset).toBeGreaterThan(10_000);
    expect(log.endOffset - log.startOffset).toBeLessThan(12_000);
    const reloaded = await openMetadata({ log, brokers: [] });
    expect(plain(reloaded.metadata.image)).toEqual(plain(metadata.image));
  });

  it("refuses a log with records of topics that were never created", () => {
    const record = partitionChangeRecord("x", 0, { leader: 1 });
    expect(() => applyMetadata(EMPTY_IMAGE, [record])).toThrow("no topic has the id x");
  });
});
