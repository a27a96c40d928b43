import { expect, test } from "vitest";
import { type InUseOrder, UseOrder } from "../../src/util/use-order.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

interface Entry extends InUseOrder<Entry> {
  readonly id: number;
}

const entry = (id: number): Entry => ({ id, earlier: null, later: null });

test("is the order of the last use, after any steps", () => {
  const random = new SeededRandom(seedOf("use order"));
  const entries = Array.from({ length: 8 }, (_, id) => entry(id));
  const order = new UseOrder<Entry>();
  let model: number[] = [];
  for (let step = 0; step < 2_000; step++) {
    const one = entries[random.below(entries.length)]!;
    model = model.filter((id) => id !== one.id);
    if (random.below(3) > 0) {
      order.used(one);
      model.push(one.id);
    } else order.remove(one);
    expect(Array.from(order, ({ id }) => id)).toEqual(model);
    expect(order.oldest?.id).toBe(model[0]);
  }
});

test("lets the current entry be removed", () => {
  const order = new UseOrder<Entry>();
  for (let id = 0; id < 4; id++) order.used(entry(id));
  for (const one of order) if (one.id % 2 === 0) order.remove(one);
  expect(Array.from(order, ({ id }) => id)).toEqual([1, 3]);
});
