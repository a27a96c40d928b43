import { ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { Leadership } from "../../src/metadata/leadership.ts";
import { cluster } from "./cluster.ts";

it("leadership follows the metadata, and expires while the broker is isolated", () => {
  const history = cluster([1, 2, 3], {
    t: [
      [1, 2],
      [2, 3],
      [2, 1],
    ],
  });
  let isIsolated = false;
  const leadership = new Leadership(
    1,
    () => history.image,
    () => isIsolated,
  );
  const led = () => [0, 1, 2].map((index) => leadership.leads("t", index));
  const inSync = () => [0, 1, 2].map((index) => leadership.isInSync("t", index));
  expect([led(), inSync()]).toEqual([
    [true, false, false],
    [true, false, true],
  ]);
  history.change("t", 0, { leader: 2 });
  expect(led()).toEqual([false, false, false]);
  history.change("t", 1, { leader: 1 });
  expect(led()).toEqual([false, true, false]);
  isIsolated = true;
  expect([led(), inSync()]).toEqual([Array(3).fill(false), Array(3).fill(false)]);
  isIsolated = false;
  expect(led()).toEqual([false, true, false]);
});

it("leadership tells partitions that another broker leads from unknown ones", () => {
  const { image } = cluster([1, 2], { t: [[2]] });
  const leadership = new Leadership(
    1,
    () => image,
    () => false,
  );
  expect(leadership.refusal("t", 0)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  for (const [topic, index] of [
    ["t", 1],
    ["t", -1],
    ["u", 0],
  ] as const) {
    expect(leadership.refusal(topic, index)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  }
});
