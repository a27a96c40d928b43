import { expect, test } from "vitest";
import { PrefixMap } from "../../src/security/prefix-map.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

const found = (map: PrefixMap<string>, name: string): string[] => {
  const values: string[] = [];
  map.some(name, (value) => {
    values.push(value);
    return false;
  });
  return values;
};

test("finds all prefixes of a name, shortest first, until one is enough", () => {
  const map = new PrefixMap<string>();
  for (const prefix of ["orders", "o", "order", "ordinary", "", "orders-é"])
    map.set(prefix, prefix);
  expect(found(map, "orders-éu")).toEqual(["o", "order", "orders", "orders-é"]);
  expect(found(map, "or")).toEqual(["o"]);
  expect(found(map, "x")).toEqual([]);
  expect(map.some("orders", (value) => value === "order")).toBe(true);
});

test("finds what startsWith finds, while thousands of prefixes come and go", () => {
  const random = new SeededRandom(seedOf("prefix map"));
  const text = () =>
    Array.from({ length: 1 + random.below(9) }, () => random.pick(["a", "b", "c", "日"])).join("");
  const map = new PrefixMap<string>();
  const prefixes = new Set<string>();
  for (let step = 0; step < 6_000; step++) {
    const one = text();
    // First they grow in number, then they are exchanged, at last they become few.
    const isRemoval = random.chance(step < 2_000 ? 0.1 : step < 4_000 ? 0.5 : 0.9);
    const gone = isRemoval ? [...prefixes][random.below(prefixes.size)] : undefined;
    if (gone !== undefined) {
      prefixes.delete(gone);
      map.delete(gone);
    } else {
      prefixes.add(one);
      map.set(one, one);
    }
    if (step % 20 > 0) continue;
    const name = text() + text();
    const expected = [...prefixes].filter((prefix) => name.startsWith(prefix)).sort();
    expect(found(map, name), name).toEqual(expected);
  }
});
