import { describe, expect, it } from "vitest";
import { SoakCheck } from "./check-soak.ts";
import type { Seen } from "./events.ts";

/** Records without keys, numbered from 0, at the same offsets. */
const plain = (from: number, to: number): Seen[] =>
  Array.from({ length: to - from }, (_, index) => [from + index, from + index, null, 0]);

/** What the checker finds wrong in one partition. */
function wrongIn(keyed: boolean, history: (partition: ReturnType<typeof partitionOf>) => void) {
  const check = new SoakCheck();
  check.add("topic-0", keyed);
  history(partitionOf(check));
  expect(check.violationCount).toBe(check.violations.length);
  return check.violations.join("\n");
}

const partitionOf = (check: SoakCheck) => check.partition("topic-0");

describe("records without keys", () => {
  it("finds nothing wrong when retention deletes what was or was not read", () => {
    const wrong = wrongIn(false, (partition) => {
      partition.acknowledged(plain(0, 100));
      partition.followed(plain(0, 10));
      partition.told(0, 100, 99);
      partition.beginScan();
      partition.scanned(plain(0, 20));
      partition.scanned(plain(50, 100));
      partition.followed(plain(50, 100));
      partition.told(50, 100, 99);
      partition.endScan(true);
    });
    expect(wrong).toBe("");
  });

  it("finds records that are missing at or above the log start", () => {
    const wrong = wrongIn(false, (partition) => {
      partition.acknowledged(plain(0, 100));
      partition.followed([...plain(0, 10), ...plain(11, 100)]);
      partition.told(5, 100, 99);
      partition.beginScan();
      partition.scanned(plain(5, 99));
      partition.told(5, 100, 99);
      partition.endScan(true);
    });
    expect(wrong).toContain("The consumer missed record 10 at 10");
    expect(wrong).toContain("A scan missed record 99 at 99");
  });

  it("finds a record that is read twice or out of order", () => {
    const wrong = wrongIn(false, (partition) =>
      partition.followed([...plain(0, 3), [1, 3, null, 0]]),
    );
    expect(wrong).toContain("read record 1 after record 2");
    expect(wrong).toContain("record 1 was at offset 1 and is at 3");
  });

  it("finds a deleted record that is seen again", () => {
    const wrong = wrongIn(false, (partition) => {
      partition.told(50, 100, 99);
      partition.beginScan();
      partition.scanned(plain(49, 100));
    });
    expect(wrong).toContain("read offset 49, below the log start 50");
  });

  it("finds a log start that goes back and an end that does", () => {
    const wrong = wrongIn(false, (partition) => {
      partition.told(50, 100, 99);
      partition.told(40, 99, 99);
    });
    expect(wrong).toContain("went back from 50 to 40");
    expect(wrong).toContain("ends at 99, but 99 was acknowledged");
  });
});

describe("records with keys", () => {
  const a1: Seen = [0, 0, "a", 0];
  const b1: Seen = [1, 1, "b", 0];
  const a2: Seen = [2, 2, "a", 0];
  const bGone: Seen = [3, 3, "b", 1];

  function scanOf(found: Seen[], { settled = true, start = 0 } = {}) {
    return wrongIn(true, (partition) => {
      partition.acknowledged([a1, b1, a2, bGone]);
      partition.beginScan();
      partition.scanned(found);
      partition.told(start, 4, 3);
      partition.endScan(settled);
    });
  }

  it("finds nothing wrong when superseded records and deletions leave", () => {
    expect(scanOf([a1, b1, a2, bGone])).toBe("");
    expect(scanOf([a2, bGone])).toBe("");
    expect(scanOf([a2])).toBe("");
    expect(scanOf([], { start: 4 })).toBe("");
  });

  it("finds the loss of a key's last record", () => {
    expect(scanOf([a1])).toContain("key a should be record 2 at 2, not 0");
    expect(scanOf([bGone])).toContain("key a should be record 2 at 2, not absent");
  });

  it("finds a deleted key that comes back", () => {
    expect(scanOf([b1, a2])).toContain("key b should be record 3 at 3 (a deletion), not 1");
  });

  it("finds a record at another offset", () => {
    expect(scanOf([[2, 1, "a", 0]])).toContain("record 2 was at offset 2 and is at 1");
  });

  it("waits for the next scan while a later record may be on its way", () => {
    expect(scanOf([], { settled: false })).toBe("");
    const twice = wrongIn(true, (partition) => {
      partition.acknowledged([a1]);
      for (let scan = 0; scan < 2; scan++) {
        partition.beginScan();
        partition.endScan(false);
      }
    });
    expect(twice).toContain("key a should be record 0");
  });
});
