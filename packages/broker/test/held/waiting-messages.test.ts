import { describe, expect, it } from "vitest";
import { hashId, idHash } from "../../src/held/id-hash.ts";
import { WaitingMessages } from "../../src/held/waiting-messages.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

const text = new TextEncoder();

function hashOf(id: string): Int32Array {
  hashId(text.encode(id));
  return idHash.slice();
}

describe("messages that wait", () => {
  it("agree with a plain model in random histories", () => {
    const seed = seedOf("waiting messages");
    const random = new SeededRandom(seed);
    const below = (n: number) => random.below(n);
    for (let round = 0; round < 5; round++) {
      const waiting = new WaitingMessages();
      const model = new Map<string, { offset: number; timeMs: number; isTaken: boolean }>();
      const entryOf = (id: string) => waiting.find(hashOf(id));
      for (let step = 0; step < 2_000; step++) {
        const id = `id-${below(800)}`;
        const known = model.get(id);
        const entry = entryOf(id);
        const where = `seed ${seed}, round ${round}, step ${step}`;
        expect(entry >= 0, where).toBe(known !== undefined);
        switch (below(6)) {
          case 0:
            if (known === undefined) break;
            waiting.remove(entry);
            model.delete(id);
            break;
          case 1:
            if (known === undefined) break;
            waiting.move(entry, step);
            known.offset = step;
            known.isTaken = false;
            break;
          case 2: {
            if (known === undefined) break;
            known.timeMs = below(1_000);
            known.isTaken = false;
            waiting.putBack(entry, known.timeMs);
            break;
          }
          case 3: {
            const nowMs = below(300);
            const taken = waiting.takeDue(nowMs, 5);
            const due = [...model.values()].filter((m) => !m.isTaken && m.timeMs <= nowMs);
            due.sort((a, b) => a.timeMs - b.timeMs || a.offset - b.offset);
            const expected = due.slice(0, 5).map(({ offset }) => offset);
            expect(
              taken.map(({ offset }) => offset),
              where,
            ).toEqual(expected);
            for (const message of taken) {
              expect(waiting.waits(message)).toBe(true);
              const found = [...model.values()].find(({ offset }) => offset === message.offset)!;
              found.isTaken = true;
            }
            break;
          }
          default:
            if (known !== undefined) break;
            model.set(id, { offset: step, timeMs: below(1_000), isTaken: false });
            waiting.add(hashOf(id), step, model.get(id)!.timeMs);
        }
        expect(waiting.count, where).toBe(model.size);
        const heap = [...model.values()].filter(({ isTaken }) => !isTaken);
        const nextMs = heap.length === 0 ? undefined : Math.min(...heap.map((m) => m.timeMs));
        expect(waiting.nextMs, where).toBe(nextMs);
      }
      for (const [id, { offset }] of model) {
        const words = hashOf(id);
        expect(waiting.offsetOf(waiting.find(words))).toBe(offset);
        expect(waiting.findAt(offset, words[0]!)).toBe(waiting.find(words));
      }
      let visited = 0;
      waiting.forEach(() => {
        visited++;
      });
      expect(visited).toBe(model.size);
    }
  });

  it("are not found by their offset and the hash they had before, wherever that leads", () => {
    const waiting = new WaitingMessages();
    waiting.add([1, 0], 10, 0);
    waiting.add([1, 1], 11, 0);
    // Its slot is the next one now, which a search for the other one's crosses.
    waiting.rename(waiting.find([1, 1]), [2, 0]);
    expect(waiting.findAt(11, 1)).toBe(-1);
    expect(waiting.findAt(11, 2)).toBe(waiting.find([2, 0]));
  });

  it("take 40 bytes each", () => {
    const waiting = new WaitingMessages();
    const count = 2 ** 14;
    for (let i = 0; i < count; i++) waiting.add(hashOf(`${i}`), i, i);
    expect(waiting.sizeBytes / count).toBeLessThanOrEqual(40);
  });
});
