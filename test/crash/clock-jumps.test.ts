import { ErrorCode, encodeBatch, OffsetFetch } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { FailingCalls } from "../harness/faults/failing-calls.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { RawMember } from "../harness/raw-group.ts";
import { createTopic, fetch, produce, textRecord } from "../harness/records.ts";
import { newProducerId } from "./sequenced-producer.ts";

const YEAR_S = 365 * 86_400;
const CHECK_MS = 200;
const configs = [
  "group.initial.rebalance.delay.ms=0",
  `offsets.retention.check.interval.ms=${CHECK_MS}`,
];

const elapse = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it("jumps of the wall clock by a year end no session, wait, producer or offset", async (context) => {
  const faults = await FailingCalls.build();
  if (typeof faults === "string") return context.skip(faults);
  const flags = configs.flatMap((config) => ["--kafka", config]);
  const broker = new BrokerProcess({ flags, env: faults.env });
  await broker.start();
  try {
    const connection = await RawConnection.open(broker.port);
    await createTopic(connection, "plain");
    const member = await RawMember.alone(broker.port, "g");
    const gone = await RawMember.alone(broker.port, "gone");
    expect(await gone.commit()).toBe(ErrorCode.NONE);
    expect(await gone.leave()).toBe(ErrorCode.NONE);
    const producerId = await newProducerId(connection);
    // Older than the broker's clock also after its jump back, or the record would be refused.
    const record = { ...textRecord("x"), timestamp: 1_700_000_000_000 };
    const batch = (baseSequence: number) =>
      encodeBatch([record], { producerId, producerEpoch: 0, baseSequence });

    let end = 0;
    for (const seconds of [YEAR_S, -YEAR_S]) {
      const sent = await produce(connection, "plain", batch(end));
      expect(sent).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: end });
      const reader = await RawConnection.open(broker.port);
      const waiting = fetch(reader, "plain", end + 1, { maxWaitMs: 20_000 });
      let arrived = false;
      void waiting.then(() => {
        arrived = true;
      });
      await faults.jump(seconds);
      await elapse(3 * CHECK_MS);
      expect(arrived).toBe(false);
      expect(await member.heartbeat()).toBe(ErrorCode.NONE);
      expect(await member.commit()).toBe(ErrorCode.NONE);
      expect(await committedBy(connection, "gone")).toBe(1);
      // The broker still knows the batch: it is not stored again.
      const again = await produce(connection, "plain", batch(end));
      expect(again).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: end });
      await produce(connection, "plain", batch(end + 1));
      expect(await waiting).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: end + 2 });
      end += 2;
      reader.close();
    }
    connection.close();
    for (const { connection } of [member, gone]) connection.close();
    expect(await broker.stop()).toBe(0);
  } finally {
    await broker.kill9();
  }
}, 60_000);

async function committedBy(connection: RawConnection, groupId: string) {
  const topics = [{ name: "plain", partitionIndexes: [0] }];
  const groups = [{ groupId, topics }];
  const answer = await connection.request(OffsetFetch, 8, { groups, requireStable: false });
  return answer.groups[0]!.topics[0]!.partitions[0]!.committedOffset;
}
