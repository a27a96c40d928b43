import { ErrorCode, OffsetForLeaderEpoch } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

it("finds the end offset of a leader epoch, at every version", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  await broker.produceRecords("t", 4);
  const { hosted } = [...broker.broker.partitions.all()][0]!;
  broker.broker.partitions.host([{ ...hosted, leaderEpoch: 2 }]);
  await broker.produceRecords("t", 1);
  const ask = async (version: number, leaderEpoch: number, currentLeaderEpoch = -1) => {
    const partitions = [{ partition: 0, leaderEpoch, currentLeaderEpoch }];
    const answer = await broker.call(OffsetForLeaderEpoch, version, {
      topics: [{ topic: "t", partitions }],
    });
    return answer.topics[0]!.partitions[0]!;
  };
  for (const version of [2, 3, 4]) {
    expect(await ask(version, 0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 4 });
    expect(await ask(version, 2)).toMatchObject({ errorCode: 0, leaderEpoch: 2, endOffset: 5 });
    expect(await ask(version, -1)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 });
    expect(await ask(version, 9)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 });
    expect(await ask(version, 0, 1)).toMatchObject({ errorCode: ErrorCode.FENCED_LEADER_EPOCH });
    expect(await ask(version, 0, 3)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH });
  }
});

it("refuses an unknown partition", async () => {
  const broker = await WholeBroker.start();
  const answer = await broker.call(OffsetForLeaderEpoch, 4, {
    topics: [{ topic: "x", partitions: [{ partition: 0, leaderEpoch: 0 }] }],
  });
  const { errorCode } = answer.topics[0]!.partitions[0]!;
  expect(errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});
