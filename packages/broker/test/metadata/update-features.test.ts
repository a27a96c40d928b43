import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { applyMetadata } from "../../src/metadata/apply.ts";
import { decideUpdateFeatures, UpgradeType } from "../../src/metadata/decide-update-features.ts";
import { SUPPORTED_FEATURES } from "../../src/metadata/features.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";
import { cluster, type History, incarnationOf } from "./cluster.ts";

const { upgrade, safeDowngrade, unsafeDowngrade } = UpgradeType;
type Update = readonly [name: string, level: number, upgradeType: number];

function decide(history: History, updates: readonly Update[], validateOnly = false) {
  const named = updates.map(([name, level, upgradeType]) => ({ name, level, upgradeType }));
  const request = { updates: named, validateOnly, timeoutMs: 1_000 };
  return history.take(decideUpdateFeatures(history.image, request));
}

const levels = ({ image }: History) => Object.fromEntries(image.features);

describe("the level of a feature", () => {
  it("goes down when the request says so, and up again", () => {
    const history = cluster([1, 2]);
    const before = levels(history);
    expect(decide(history, [["group.version", 0, safeDowngrade]]).errorCode).toBe(0);
    expect(decide(history, [["transaction.version", 1, unsafeDowngrade]]).errorCode).toBe(0);
    expect(levels(history)).toEqual({
      ...before,
      ...{ "group.version": 0, "transaction.version": 1 },
    });
    const both: Update[] = [
      ["group.version", 1, upgrade],
      ["transaction.version", 2, upgrade],
    ];
    expect(decide(history, both).errorCode).toBe(0);
    expect(levels(history)).toEqual(before);
  });

  it("stays at 0 when brokers register later, and in a snapshot", () => {
    const history = cluster([1, 2]);
    decide(history, [["group.version", 0, safeDowngrade]]);
    history.register(3);
    history.register(1, incarnationOf(1, 1));
    expect(levels(history)["group.version"]).toBe(0);
    const snapshot = [...metadataMachine.snapshot(history.image)].flat();
    expect(applyMetadata(EMPTY_IMAGE, snapshot)).toEqual(history.image);
  });

  it("may be set to what it is, in any direction, without a record", () => {
    const history = cluster([1]);
    const { length } = history.records;
    for (const type of [upgrade, safeDowngrade, unsafeDowngrade]) {
      expect(decide(history, [["group.version", 1, type]]).errorCode).toBe(0);
    }
    expect(history.records).toHaveLength(length);
  });

  it.each<readonly [string, Update, string]>([
    ["down without a downgrade", ["group.version", 0, upgrade], "safe or an unsafe downgrade"],
    ["up with a downgrade", ["transaction.version", 2, safeDowngrade], "no downgrade"],
    ["to what none supports", ["group.version", 2, upgrade], "supports levels 0 to 1"],
    ["below its lowest", ["metadata.version", 6, safeDowngrade], "supports levels 7 to 25"],
    ["below 0", ["group.version", -1, unsafeDowngrade], "supports levels 0 to 1"],
    ["of no feature", ["kraft.version", 1, upgrade], "does not support this feature"],
    ["in no direction", ["group.version", 0, 0], "no upgrade type 0"],
    ["in a later direction", ["group.version", 0, 4], "no upgrade type 4"],
    ["to other records", ["metadata.version", 22, unsafeDowngrade], "could not read"],
  ])("does not change %s, nor do the others in the request", (_, update, why) => {
    const history = cluster([1, 2]);
    decide(history, [["transaction.version", 1, safeDowngrade]]);
    const before = levels(history);
    const others: Update[] = [["metadata.version", 24, safeDowngrade], update];
    const { errorCode, errorMessage } = decide(history, others);
    expect(errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION);
    expect(errorMessage).toContain(why);
    expect(errorMessage).toContain(update[0]);
    expect(levels(history)).toEqual(before);
  });

  it("of metadata.version goes down as far as the records stay the same", () => {
    const history = cluster([1]);
    expect(decide(history, [["metadata.version", 23, safeDowngrade]]).errorCode).toBe(0);
    expect(levels(history)["metadata.version"]).toBe(23);
  });

  it("changes nothing when the request only asks whether it could", () => {
    const history = cluster([1]);
    const before = levels(history);
    expect(decide(history, [["group.version", 0, safeDowngrade]], true).errorCode).toBe(0);
    const refused = decide(history, [["group.version", 0, upgrade]], true);
    expect(refused.errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION);
    expect(levels(history)).toEqual(before);
  });

  it("changes only when every registered broker supports that, also one that is down", () => {
    const history = cluster([1]);
    history.features = [];
    history.register(2);
    history.fence(2);
    const down: Update[] = [["group.version", 0, safeDowngrade]];
    const older = decide(history, down);
    expect(older.errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION);
    expect(older.errorMessage).toContain("broker 2 has not said what it supports: upgrade");
    history.features = [{ name: "metadata.version", minVersion: 7, maxVersion: 25 }];
    history.register(2, incarnationOf(2, 3));
    expect(decide(history, down).errorMessage).toContain("broker 2 does not support this feature");
    history.features = [{ name: "group.version", minVersion: 1, maxVersion: 2 }];
    history.register(2, incarnationOf(2, 1));
    expect(decide(history, down).errorMessage).toContain("broker 2 supports levels 1 to 2");
    history.features = SUPPORTED_FEATURES;
    history.register(2, incarnationOf(2, 2));
    expect(decide(history, down).errorCode).toBe(0);
  });
});
