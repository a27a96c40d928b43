import { expect, test } from "vitest";
import { HASH_WORDS, MessageIdTable } from "../../src/partition/message-id-table.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

/** Few first words, so that many hashes fight for the same slots. */
const hashOf = (id: number) => [id % 7, id, 0, ~id];

test("does what a map does, whatever is added, removed and dropped", () => {
  const random = new SeededRandom(seedOf("message id table"));
  const table = new MessageIdTable();
  const model = new Map<number, { position: number; offset: number; time: number }>();
  let oldest = 0;
  let fullest = 0;
  for (let step = 0; step < 6_000; step++) {
    const id = random.below(900);
    const known = model.get(id);
    expect(table.find(hashOf(id), 0), `step ${step}`).toBe(known?.position ?? -1);
    // The table grows in one half of each thousand steps and shrinks in the other.
    const grows = step % 1_000 < 600;
    if (known !== undefined && !grows && random.below(4) === 0) {
      table.remove(known.position);
      expect(table.offsetAt(known.position)).toBe(-1);
      model.delete(id);
    } else if (known !== undefined) {
      expect(table.offsetAt(known.position)).toBe(known.offset);
      expect(table.timeAt(known.position)).toBe(known.time);
      const words = Array.from({ length: HASH_WORDS }, (_, i) => table.wordAt(known.position, i));
      expect(words).toEqual(hashOf(id));
    } else if (grows) {
      model.set(id, {
        position: table.add(hashOf(id), 0, step, step + 0.5),
        offset: step,
        time: step + 0.5,
      });
    }
    if (!grows && table.next > table.oldest && random.below(3) > 0) {
      const first = [...model].find(([, { position }]) => position === oldest);
      if (first !== undefined) model.delete(first[0]);
      table.dropOldest();
      oldest += 1;
    }
    fullest = Math.max(fullest, table.next - table.oldest);
    expect(table.oldest).toBe(oldest);
  }
  expect(fullest).toBeGreaterThan(256);
});

test("takes at most 80 bytes for an id, and gives the memory back when it is empty", () => {
  const table = new MessageIdTable();
  const smallest = table.sizeBytes;
  for (let id = 0; id < 2 ** 14; id++) table.add([id * 40_503, id, 0, 0], 0, id, 0);
  expect(table.sizeBytes).toBe(2 ** 14 * 40);
  while (table.oldest < table.next) table.dropOldest();
  expect(table.sizeBytes).toBe(smallest);
});
