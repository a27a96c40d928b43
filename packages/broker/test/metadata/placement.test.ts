import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import type { BrokerImage, MetadataImage } from "../../src/metadata/image.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import { isRefusal, placePartitions } from "../../src/metadata/placement.ts";

describe("placement", () => {
  it("uses fenced brokers only if there are too few others, and never as leaders", () => {
    const image = brokers({ 1: null, 2: null, 3: null }, [3]);
    const placed = partitionsOf(image, 4, 3);
    for (const { replicas, isr, leader } of placed) {
      expect([...replicas].sort()).toEqual([1, 2, 3]);
      expect([...isr].sort()).toEqual([1, 2]);
      expect(leader).not.toBe(3);
    }
    for (const { replicas } of partitionsOf(image, 4, 2)) expect(replicas).not.toContain(3);
  });

  it("refuses more replicas than brokers, and replicas without an unfenced majority", () => {
    const down = brokers({ 1: null, 2: null, 3: null }, [2, 3]);
    for (const factor of [3, 4]) {
      expect(placePartitions(down, 1, factor, 0)).toMatchObject({
        errorCode: ErrorCode.INVALID_REPLICATION_FACTOR,
      });
    }
    expect(partitionsOf(down, 2, 1).map(({ leader }) => leader)).toEqual([1, 1]);
  });

  it("puts two replicas into one rack only after every rack has one", () => {
    const image = brokers({ 1: "a", 2: "a", 3: "b", 4: "b", 5: "c", 6: "c" });
    const racks = new Map([...image.brokers.values()].map(({ id, rack }) => [id, rack]));
    const placed = partitionsOf(image, 60, 3);
    for (const { replicas } of placed) {
      expect(new Set(replicas.map((id) => racks.get(id))).size, String(replicas)).toBe(3);
    }
    for (const id of image.brokers.keys()) {
      expect(placed.filter(({ leader }) => leader === id)).toHaveLength(10);
    }
    for (const { replicas } of partitionsOf(image, 12, 4)) expect(new Set(replicas).size).toBe(4);
  });
});

function brokers(racks: Record<number, string | null>, fenced: number[] = []): MetadataImage {
  const all = Object.entries(racks).map(([key, rack]): [number, BrokerImage] => {
    const id = Number(key);
    const at = { host: "host", port: 9092, epoch: 0, incarnationId: String(id), features: [] };
    return [id, { ...at, id, rack, fenced: fenced.includes(id) }];
  });
  return { ...EMPTY_IMAGE, brokers: new Map(all) };
}

function partitionsOf(image: MetadataImage, count: number, factor: number) {
  const placed = placePartitions(image, count, factor, 0);
  if (isRefusal(placed)) throw new Error(placed.errorMessage ?? "refused");
  return placed.partitions;
}
