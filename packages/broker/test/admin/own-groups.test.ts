import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, test } from "vitest";
import type { LeaderOffsets } from "../../src/admin/leader-offsets.ts";
import { OwnGroups } from "../../src/admin/own-groups.ts";
import type { GroupCoordinator } from "../../src/groups/group-coordinator.ts";
import type { Metadata } from "../../src/metadata/metadata.ts";
import { KafkaError } from "../../src/util/kafka-error.ts";
import { History } from "../metadata/cluster.ts";

/** Groups of a coordinator that rejects every operation with `failure`. */
function failing(failure: Error, { serving = true, withTopic = true } = {}) {
  const history = new History();
  history.register(1);
  if (withTopic) history.topic("__consumer_offsets", [[1]]);
  const rejects = () => Promise.reject(failure);
  return new OwnGroups({
    groups: { isLoaded: true, run: rejects, runOnAll: rejects } as unknown as GroupCoordinator,
    metadata: { image: history.image } as Metadata,
    offsets: { ends: async () => [] } as unknown as LeaderOffsets,
    isServing: () => serving,
  });
}

const reset = { topic: "orders", partitions: null, to: "latest", execute: true } as const;
const asked = (own: OwnGroups) => [
  own.list(),
  own.describe("billing"),
  own.delete("billing"),
  own.resetOffsets("billing", reset),
];

describe("while the coordinator can't answer", () => {
  const loading = new KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, "loading");

  test("every operation is refused with the kind that means retry", async () => {
    for (const question of asked(failing(loading))) {
      await expect(question).rejects.toMatchObject({
        ...{ name: "AdminError", kind: "coordinator-not-available", cause: loading },
      });
    }
  });

  test("the metrics show no groups", async () => {
    expect(await failing(loading).usage()).toEqual({ groups: [], offsets: [] });
  });

  test("while the broker starts or stops, the coordinator is not even asked", async () => {
    for (const question of asked(failing(new TypeError("asked"), { serving: false }))) {
      await expect(question).rejects.toMatchObject({ kind: "coordinator-not-available" });
    }
  });
});

test("no group exists before __consumer_offsets exists", async () => {
  const own = failing(new TypeError("asked"), { withTopic: false });
  const error = { kind: "not-found", message: "there is no group billing" };
  await expect(own.describe("billing")).rejects.toMatchObject(error);
  await expect(own.delete("billing")).rejects.toMatchObject(error);
});

test("a bug is not reported as a refusal", async () => {
  const bug = new TypeError("a bug");
  for (const question of [...asked(failing(bug)), failing(bug).usage()]) {
    await expect(question).rejects.toBe(bug);
  }
});
