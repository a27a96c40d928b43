import { expect, it } from "vitest";
import { topicsChangeOf } from "../../src/coordinator/topics-change.ts";
import { deltaBetween } from "../../src/metadata/delta.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import { cluster } from "../metadata/cluster.ts";

it("names topics that were created, deleted or grew, and nothing for a change of leader", () => {
  const small = cluster([1, 2], { a: [[1, 2]] });
  const before = small.image;
  const grown = cluster([1, 2], {
    a: [
      [1, 2],
      [2, 1],
    ],
  }).image;
  const changeOf = (previous = EMPTY_IMAGE, next = EMPTY_IMAGE) => {
    return topicsChangeOf(deltaBetween(previous, next));
  };
  expect(changeOf(EMPTY_IMAGE, before)).toEqual({ deleted: [], changed: ["a"] });
  expect(changeOf(before, EMPTY_IMAGE)).toEqual({ deleted: ["a"], changed: [] });
  expect(changeOf(before, grown)).toEqual({ deleted: [], changed: ["a"] });
  small.change("a", 0, { leader: 2, isr: [2] });
  expect(deltaBetween(before, small.image).topics).toHaveLength(1);
  expect(changeOf(before, small.image)).toBeNull();
});
