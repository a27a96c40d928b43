import { DeleteRecords, ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

async function ask(broker: WholeBroker, name: string, offset: number, version = 2) {
  const topics = [{ name, partitions: [{ partitionIndex: 0, offset }] }];
  const answer = await broker.call(DeleteRecords, version, { topics, timeoutMs: 1_000 });
  return answer.topics[0]!.partitions[0]!;
}

describe("DeleteRecords", () => {
  it.each([0, 1, 2])("moves the log start offset, at version %i", async (version) => {
    const broker = await WholeBroker.start();
    await broker.createTopic("t");
    await broker.produceRecords("t", 3);
    await broker.produceRecords("t", 3);
    expect(await ask(broker, "t", 3, version)).toMatchObject({ errorCode: 0, lowWatermark: 3 });
    expect(await ask(broker, "t", 1, version)).toMatchObject({ errorCode: 0, lowWatermark: 3 });
    expect(await ask(broker, "t", -1, version)).toMatchObject({ errorCode: 0, lowWatermark: 6 });
  });

  it("refuses invalid offsets, unknown topics and topics that are only compacted", async () => {
    const broker = await WholeBroker.start();
    await broker.createTopic("t");
    await broker.createTopic("kept", 1, { "cleanup.policy": "compact" });
    expect((await ask(broker, "t", 1)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect((await ask(broker, "t", -2)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect((await ask(broker, "x", 0)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await ask(broker, "kept", 0)).errorCode).toBe(ErrorCode.POLICY_VIOLATION);
  });
});
