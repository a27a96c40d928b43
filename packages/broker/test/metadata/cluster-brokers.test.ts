import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import {
  decideFenceBroker,
  decideRegisterBroker,
  decideUnfenceBroker,
} from "../../src/metadata/decide-broker.ts";
import { decideUnregisterBroker } from "../../src/metadata/decide-unregister-broker.ts";
import { cluster, incarnationOf } from "./cluster.ts";

const TOPICS = {
  t: [
    [1, 2, 3],
    [2, 3, 1],
    [3, 1, 2],
  ],
};

describe("a broker of a cluster", () => {
  it("starts new leader epochs with every incarnation", () => {
    const history = cluster([1, 2, 3], TOPICS);
    history.register(2, incarnationOf(2, 1));
    expect(history.leaders("t")).toEqual([1, 2, 3]);
    const epochs = () => [0, 1, 2].map((index) => history.partition("t", index).leaderEpoch);
    expect(epochs()).toEqual([0, 1, 0]);
    expect(history.image.brokers.get(2)).toMatchObject({ epoch: 1, fenced: false });
    const before = history.image;
    history.register(2, incarnationOf(2, 1));
    expect(history.image, "asked twice, done once").toEqual(before);
    expect(epochs()).toEqual([0, 1, 0]);
  });

  it("may change its address while it runs, which starts no leader epoch", () => {
    const history = cluster([1, 2, 3], TOPICS);
    const moved = { host: "elsewhere", port: 1, rack: "r", unclean: true, features: [] };
    const again = { id: 1, incarnationId: incarnationOf(1), ...moved };
    history.take(decideRegisterBroker(history.image, again, { clustered: true }));
    expect(history.image.brokers.get(1)).toMatchObject({ host: "elsewhere", rack: "r", epoch: 0 });
    expect(history.partition("t").leaderEpoch).toBe(0);
  });

  it("leads nothing while it is fenced, and stays in its ISRs", () => {
    const history = cluster([1, 2, 3], TOPICS);
    const raftLeaderOf = () => 3;
    const fence = () => decideFenceBroker(history.image, 1, incarnationOf(1), raftLeaderOf);
    expect(history.take(fence())).toBe(true);
    expect(history.leaders("t")).toEqual([3, 2, 3]);
    expect(history.partition("t")).toMatchObject({ leaderEpoch: 1, isr: [1, 2, 3] });
    expect(history.image.brokers.get(1)).toMatchObject({ fenced: true, epoch: 0 });
    expect(fence()).toEqual({ records: [], response: false });
    expect(history.take(decideUnfenceBroker(history.image, 1, incarnationOf(1)))).toBe(true);
    expect(history.leaders("t"), "a leader that is alive stays").toEqual([3, 2, 3]);
    const again = decideUnfenceBroker(history.image, 1, incarnationOf(1));
    expect(again).toEqual({ records: [], response: false });
  });

  it("is not fenced for the missing heartbeats of an earlier incarnation", () => {
    const history = cluster([1, 2, 3], TOPICS);
    history.register(1, incarnationOf(1, 1));
    for (const decide of [decideFenceBroker, decideUnfenceBroker]) {
      const stale = decide(history.image, 1, incarnationOf(1));
      expect(stale).toEqual({ records: [], response: false });
      expect(decide(history.image, 9, incarnationOf(9)).records).toEqual([]);
    }
  });

  it("leads all partitions without a leader when it is the first to return", () => {
    for (const comeBack of ["register", "unfence"]) {
      const history = cluster([1, 2, 3], TOPICS);
      for (const id of [1, 2, 3]) {
        history.take(decideFenceBroker(history.image, id, incarnationOf(id)));
      }
      expect(history.leaders("t")).toEqual([-1, -1, -1]);
      if (comeBack === "register") history.register(2, incarnationOf(2, 1));
      else history.take(decideUnfenceBroker(history.image, 2, incarnationOf(2)));
      expect(history.leaders("t")).toEqual([2, 2, 2]);
    }
  });

  it("leads a partition of which it has no replica if all replicas are fenced", () => {
    const history = cluster([1, 2, 3], { u: [[1, 2]] });
    for (const id of [1, 2]) {
      history.take(decideFenceBroker(history.image, id, incarnationOf(id)));
    }
    expect(history.leaders("u")).toEqual([3]);
  });

  it("is unregistered only if it is fenced and holds no replica", () => {
    const history = cluster([1, 2, 3], { u: [[1, 2]] });
    const code = (id: number) => {
      return history.take(decideUnregisterBroker(history.image, id)).errorCode;
    };
    expect(code(9)).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
    expect(code(3)).toBe(ErrorCode.INVALID_REQUEST);
    history.fence(2, 3);
    expect(code(2)).toBe(ErrorCode.INVALID_REQUEST);
    expect(code(3)).toBe(0);
    expect([...history.image.brokers.keys()]).toEqual([1, 2]);
    expect(code(3)).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
  });
});
