import { describe, expect, it } from "vitest";
import type { Anomaly } from "./anomaly.ts";
import { ANOMALIES } from "./anomaly.ts";
import { anomaliesIn } from "./check.ts";
import type { Key } from "./operation.ts";
import { A, B, GROUP, Sample } from "./sample.ts";

const kindsIn = ({ operations }: Sample) => anomaliesIn(operations).map(({ kind }) => kind);

/** Processes: 0 and 1 send, 2 and 3 are members of a group, 4 reads everything in the end. */
const GOOD: Readonly<Record<string, () => Sample>> = {
  "sends, polls and a final read": () =>
    new Sample()
      .sent(0, A, 10, 0)
      .assigned(2, 1, A)
      .sent(1, A, 11, 1)
      .sent(0, B, 12, 0)
      .polled(2, A, [0, 10], [1, 11])
      .committed(2, A, 2)
      .asked(5, A, 2)
      .finally(4, A, [0, 10], [1, 11])
      .finally(4, B, [0, 12]),
  "an unknown send that was stored, and one that was not": () =>
    new Sample()
      .failed(0, A, 10, "info")
      .failed(1, A, 11, "info")
      .sent(0, A, 12, 1)
      .finally(4, A, [0, 10], [1, 12]),
  "a failed send that was not stored": () =>
    new Sample().failed(0, A, 10, "fail").sent(0, A, 11, 0).finally(4, A, [0, 11]),
  "an unknown send stored after a later one of the same producer": () =>
    new Sample().failed(0, A, 10, "info").sent(0, A, 11, 0).finally(4, A, [0, 11], [1, 10]),
  "offsets that no record holds": () =>
    new Sample().sent(0, A, 10, 0).sent(0, A, 11, 5).polled(2, A, [0, 10]).polled(2, A, [5, 11]),
  "records read again after a reassignment, by another and by the same": () =>
    new Sample()
      .sent(0, A, 10, 0)
      .sent(0, A, 11, 1)
      .assigned(2, 1, A)
      .polled(2, A, [0, 10], [1, 11])
      .committed(2, A, 1)
      .assigned(2, 2)
      .assigned(3, 2, A)
      .polled(3, A, [1, 11])
      .assigned(3, 3)
      .assigned(2, 3, A)
      .polled(2, A, [1, 11])
      .committed(2, A, 2),
  "a partition that is kept while another goes": () =>
    new Sample()
      .sent(0, A, 10, 0)
      .sent(0, A, 11, 1)
      .assigned(2, 1, A, B)
      .polled(2, A, [0, 10])
      .assigned(2, 2, A)
      .assigned(3, 3, B)
      .polled(2, A, [1, 11]),
  "a commit of unknown outcome that takes effect late": () => {
    const sample = new Sample().sent(0, A, 10, 0).sent(0, A, 11, 1);
    sample.polled(2, A, [0, 10], [1, 11]);
    const offsets = new Map([[A, 1]]);
    sample.history.invoke(3, "commit", { group: GROUP, offsets }).info("timed out");
    return sample.committed(2, A, 2).asked(5, A, 1);
  },
  "an offset asked for while a commit runs": () => {
    const sample = new Sample().sent(0, A, 10, 0).polled(2, A, [0, 10]);
    const offsets = new Map([[A, 1]]);
    const asking = sample.history.invoke(5, "committed", { group: GROUP, offsets: new Map() });
    sample.history.note(2, "commit", { group: GROUP, offsets });
    asking.ok({ group: GROUP, offsets: new Map([[A, -1]]) });
    return sample;
  },
  "transactions that are whole, absent, and of unknown end": () =>
    new Sample()
      .transacted(0, "ok", [pair(A, 10, 0), pair(B, 11, 0)])
      .transacted(0, "fail", [pair(A, 12, 2), pair(B, 13, 2)])
      .transacted(1, "info", [pair(A, 14, 4), pair(B, 15, 4)])
      .transacted(1, "info", [pair(A, 16, 6), pair(B, 17)])
      .polled(2, A, [0, 10])
      .finally(4, A, [0, 10], [4, 14])
      .finally(4, B, [0, 11], [4, 15]),
  "transactions of two ids in opposite order on two partitions": () =>
    new Sample()
      .transacted(0, "ok", [pair(A, 10, 0), pair(B, 11, 1)])
      .transacted(1, "ok", [pair(A, 12, 1), pair(B, 13, 0)])
      .finally(4, A, [0, 10], [1, 12])
      .finally(4, B, [0, 13], [1, 11]),
  "transactions that share a group's input, one of them after an abort": () =>
    threeSent()
      .transacted(0, "ok", [pair(B, 20, 0)], { read: [[0, 10]], next: 1 })
      .transacted(0, "fail", [pair(B, 21, 2)], { read: [[1, 11]], next: 2 })
      .transacted(1, "ok", [pair(B, 22, 4)], {
        read: [
          [1, 11],
          [2, 12],
        ],
        next: 3,
      })
      .finally(4, B, [0, 20], [4, 22]),
};

const BAD: readonly (readonly [Anomaly["kind"], string, () => Sample])[] = [
  [
    "lost-write",
    "an acknowledged record that the final read leaves out",
    () => new Sample().sent(0, A, 10, 0).sent(0, A, 11, 1).finally(4, A, [1, 11]),
  ],
  [
    "lost-write",
    "an acknowledged record that polls leave out, without a final read",
    () => new Sample().sent(0, A, 10, 0).sent(0, A, 11, 1).polled(2, A, [1, 11]),
  ],
  [
    "lost-write",
    "a record that a member has read and that is gone in the end",
    () =>
      new Sample()
        .failed(0, A, 10, "info")
        .sent(0, A, 11, 1)
        .polled(2, A, [0, 10], [1, 11])
        .finally(4, A, [1, 11]),
  ],
  [
    "unseen",
    "acknowledged records at the end that nobody finds",
    () => new Sample().sent(0, A, 10, 0).sent(0, A, 11, 1).finally(4, A, [0, 10]),
  ],
  [
    "unseen",
    "a partition that is empty in the end",
    () => new Sample().sent(0, A, 10, 0).finally(4, A),
  ],
  [
    "duplicate",
    "one value at two offsets",
    () => new Sample().failed(0, A, 10, "info").finally(4, A, [0, 10], [1, 10]),
  ],
  [
    "inconsistent-offsets",
    "two values at one offset, by two readers",
    () =>
      new Sample()
        .failed(0, A, 10, "info")
        .failed(0, A, 11, "info")
        .polled(2, A, [0, 10])
        .finally(4, A, [0, 10])
        .polled(3, A, [0, 11])
        .finally(4, A, [1, 11]),
  ],
  [
    "inconsistent-offsets",
    "acknowledged at one offset, read at another",
    () => new Sample().sent(0, A, 10, 3).finally(4, A, [4, 10]),
  ],
  [
    "inconsistent-offsets",
    "one offset acknowledged twice",
    () => new Sample().sent(0, A, 10, 0).sent(1, A, 11, 0),
  ],
  [
    "aborted-read",
    "a record whose send had failed",
    () => new Sample().failed(0, A, 10, "fail").finally(4, A, [0, 10]),
  ],
  ["phantom", "a value that nobody sent", () => new Sample().finally(4, A, [0, 10])],
  [
    "phantom",
    "a value that was sent to another partition",
    () => new Sample().sent(0, A, 10, 0).finally(4, A, [0, 10]).polled(2, B, [0, 10]),
  ],
  [
    "poll-skip",
    "records left out between two polls",
    () => threeSent().assigned(2, 1, A).polled(2, A, [0, 10]).polled(2, A, [2, 12]),
  ],
  [
    "poll-skip",
    "records left out within a poll",
    () => threeSent().assigned(2, 1, A).polled(2, A, [0, 10], [2, 12]),
  ],
  [
    "poll-skip",
    "records left out across a reassignment that keeps the partition",
    () =>
      threeSent()
        .assigned(2, 1, A, B)
        .polled(2, A, [0, 10])
        .assigned(2, 2, A)
        .polled(2, A, [2, 12]),
  ],
  [
    "nonmonotonic-poll",
    "a record read again",
    () => threeSent().assigned(2, 1, A).polled(2, A, [0, 10], [1, 11]).polled(2, A, [1, 11]),
  ],
  [
    "nonmonotonic-send",
    "two sends in a row at falling offsets",
    () => new Sample().sent(0, A, 10, 1).sent(0, A, 11, 0).finally(4, A, [0, 11], [1, 10]),
  ],
  [
    "committed-back",
    "an offset asked for after a higher one was committed",
    () => threeSent().polled(2, A, [0, 10], [1, 11]).committed(2, A, 2).asked(5, A, 1),
  ],
  [
    "committed-back",
    "a group that has forgotten its offsets",
    () => threeSent().polled(2, A, [0, 10], [1, 11]).committed(2, A, 2).asked(5, A, -1),
  ],
  [
    "committed-back",
    "a commit below an earlier one",
    () => threeSent().polled(2, A, [0, 10], [1, 11]).committed(2, A, 2).committed(3, A, 1),
  ],
  [
    "committed-unread",
    "a commit beyond what the group was given",
    () => threeSent().polled(2, A, [0, 10]).committed(2, A, 2),
  ],
  [
    "two-owners",
    "one partition, one generation, two members",
    () => new Sample().assigned(2, 1, A).assigned(3, 1, A),
  ],
  [
    "aborted-read",
    "a record of an aborted transaction (G1a)",
    () => new Sample().transacted(0, "fail", [pair(A, 10, 0)]).finally(4, A, [0, 10]),
  ],
  [
    "aborted-read",
    "a record of an aborted transaction that another one took in",
    () =>
      new Sample()
        .transacted(0, "fail", [pair(A, 10, 0)])
        .transacted(1, "ok", [pair(B, 20, 0)], { read: [[0, 10]], next: 1 })
        .finally(4, A, [0, 10])
        .finally(4, B, [0, 20]),
  ],
  [
    "lost-write",
    "a record of a committed transaction that the final read leaves out",
    () =>
      new Sample()
        .transacted(0, "ok", [pair(A, 10, 0), pair(B, 11, 0)])
        .transacted(0, "ok", [pair(A, 12, 2)])
        .finally(4, A, [2, 12])
        .finally(4, B, [0, 11]),
  ],
  [
    "duplicate",
    "a record of a committed transaction at two offsets",
    () => new Sample().transacted(0, "ok", [pair(A, 10)]).finally(4, A, [0, 10], [1, 10]),
  ],
  [
    "uncommitted-read",
    "a record that is read before its commit is asked for",
    () =>
      new Sample()
        .polled(2, A, [0, 10])
        .transacted(0, "ok", [pair(A, 10, 0)])
        .finally(4, A, [0, 10]),
  ],
  [
    "uncommitted-read",
    "a record that its own transaction takes in",
    () =>
      new Sample()
        .transacted(0, "ok", [pair(A, 10, 0)], { read: [[0, 10]] })
        .finally(4, A, [0, 10]),
  ],
  [
    "torn-transaction",
    "half of a transaction of unknown end",
    () =>
      new Sample()
        .transacted(0, "info", [pair(A, 10, 0), pair(B, 11, 0)])
        .finally(4, A, [0, 10])
        .finally(4, B),
  ],
  [
    "taken-twice",
    "a record that two transactions of a group took in",
    () =>
      threeSent()
        .transacted(0, "ok", [pair(B, 20, 0)], { read: [[0, 10]], next: 1 })
        .transacted(1, "ok", [pair(B, 21, 2)], { read: [[0, 10]], next: 1 })
        .finally(4, B, [0, 20], [2, 21]),
  ],
  [
    "committed-unread",
    "a record that only an aborted transaction of the group took in",
    () =>
      threeSent()
        .transacted(0, "fail", [pair(B, 20, 0)], { read: [[0, 10]], next: 1 })
        .transacted(0, "ok", [pair(B, 21, 2)], { read: [[1, 11]], next: 2 })
        .finally(4, B, [2, 21]),
  ],
  [
    "G0",
    "two transactions of an id in opposite order on two partitions",
    () =>
      new Sample()
        .transacted(0, "ok", [pair(A, 10, 0), pair(B, 11, 2)], { id: "one" })
        .transacted(1, "ok", [pair(A, 12, 2), pair(B, 13, 0)], { id: "one" })
        .finally(4, A, [0, 10], [2, 12])
        .finally(4, B, [0, 13], [2, 11]),
  ],
  [
    "G0",
    "two transactions of an id that are interleaved in a partition",
    () =>
      new Sample()
        .transacted(0, "info", [pair(A, 10, 0), pair(A, 11, 2)], { id: "one" })
        .transacted(1, "ok", [pair(A, 12, 1)], { id: "one" })
        .finally(4, A, [0, 10], [1, 12], [2, 11]),
  ],
  [
    "G0",
    "a transaction before one that had ended when it began",
    () =>
      new Sample()
        .transacted(0, "ok", [pair(A, 10, 2)])
        .transacted(0, "ok", [pair(A, 11, 0)])
        .finally(4, A, [0, 11], [2, 10]),
  ],
  [
    "G1c",
    "a transaction that took in what a later one of its id wrote",
    () =>
      new Sample()
        .transacted(1, "info", [pair(A, 11, 1)], { id: "one" })
        .transacted(0, "ok", [pair(A, 10, 0)], { id: "one", read: [[1, 11]] })
        .finally(4, A, [0, 10], [1, 11]),
  ],
];

const pair = (key: Key, value: number, ...offset: [offset?: number]) => {
  return [key, value, ...offset] as const;
};

/** Both ends are asked for at once, so that none of these reads is early by itself. */
function readEachOther(): Sample {
  const sample = new Sample();
  const ends = [0, 1].map((process) => {
    const [own, other] = process === 0 ? ([A, B] as const) : ([B, A] as const);
    return sample.history.invoke(process, "transaction", {
      transactionalId: `id-${process}`,
      sent: [{ key: own, value: process, offset: 0 }],
      read: new Map([[other, [[0, 1 - process] as const]]]),
      commit: null,
    });
  });
  for (const end of ends) end.ok();
  return sample.finally(4, A, [0, 0]).finally(4, B, [0, 1]);
}

function threeSent(): Sample {
  return new Sample()
    .sent(0, A, 10, 0)
    .sent(0, A, 11, 1)
    .sent(0, A, 12, 2)
    .finally(4, A, [0, 10], [1, 11], [2, 12]);
}

describe("finds nothing wrong with", () => {
  for (const [name, sample] of Object.entries(GOOD))
    it(name, () => expect(anomaliesIn(sample().operations)).toEqual([]));
});

describe("finds", () => {
  for (const [kind, name, sample] of BAD)
    it(`${kind}: ${name}`, () => {
      const found = anomaliesIn(sample().operations);
      expect(new Set(kindsIn(sample()))).toContain(kind);
      // What it points to are operations of this history.
      for (const { operations } of found)
        for (const index of operations) expect(sample().operations[index]).toBeDefined();
    });

  it("G1c: two transactions that have each read the other's record", () => {
    expect(kindsIn(readEachOther())).toContain("G1c");
  });

  it("every kind there is, in some history here", () => {
    expect(new Set(BAD.map(([kind]) => kind))).toEqual(new Set(ANOMALIES));
  });

  it("only that kind, where nothing else is wrong", () => {
    const pure = BAD.filter(
      ([kind]) => kind !== "inconsistent-offsets" && kind !== "duplicate" && kind !== "phantom",
    );
    for (const [kind, name, sample] of pure)
      expect([name, ...new Set(kindsIn(sample()))]).toEqual([name, kind]);
  });
});
