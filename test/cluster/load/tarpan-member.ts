import { Client, type ConsumedRecord, GroupConsumer } from "@tarpan/client";
import type { OffsetAndValue } from "../../history/operation.ts";
import {
  HEARTBEAT_INTERVAL_MS,
  type Load,
  pause,
  REQUEST_TIMEOUT_MS,
  SESSION_TIMEOUT_MS,
} from "./load.ts";
import { Member } from "./member.ts";

const POLL_WAIT_MS = 200;
const COME_BACK_MS = 100;

/** A cooperative group member with @tarpan/client. After a failure it joins as a new member. */
export async function runTarpanMember(
  load: Load,
  group: string,
  name: string,
  stays = () => load.consuming,
): Promise<void> {
  const { bootstrap, security } = load;
  while (stays()) {
    const client = new Client({
      bootstrap,
      clientId: name,
      timeoutMs: REQUEST_TIMEOUT_MS,
      ...security,
    });
    const member = new Member(load, group, name);
    const consumer = memberConsumer(client, member);
    try {
      await consumer.subscribe([load.topic]);
      while (stays()) await pollOnce(load.topic, consumer, member);
    } catch (error) {
      member.failed(error);
    }
    await consumer.close().catch((error: unknown) => member.failed(error));
    await client.close();
    member.owns(null, []);
    if (stays()) await pause(COME_BACK_MS);
  }
}

function memberConsumer(client: Client, member: Member): GroupConsumer {
  const owned = new Set<number>();
  const changed = (change: (partition: number) => void) => {
    return (partitions: readonly { readonly partition: number }[]) => {
      for (const { partition } of partitions) change(partition);
      const { generation } = consumer.member;
      member.owns(generation < 0 ? null : generation, owned);
    };
  };
  const consumer = new GroupConsumer(client, {
    groupId: member.group,
    autoOffsetReset: "earliest",
    autoCommit: false,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
    maxWaitMs: POLL_WAIT_MS,
    onAssigned: changed((partition) => owned.add(partition)),
    onRevoked: changed((partition) => owned.delete(partition)),
  });
  return consumer;
}

async function pollOnce(topic: string, consumer: GroupConsumer, member: Member): Promise<void> {
  const records = await consumer.poll();
  if (records.length === 0) return;
  const polled = byPartition(records);
  member.polled(polled);
  const next = new Map([...polled].map(([partition, read]) => [partition, read.at(-1)![0] + 1]));
  const offsets = [...next].map(([partition, offset]) => ({ topic, partition, offset }));
  await member.commit(next, () => consumer.commit(offsets));
}

function byPartition(records: readonly ConsumedRecord[]): Map<number, OffsetAndValue[]> {
  const polled = new Map<number, OffsetAndValue[]>();
  for (const { partition, offset, value } of records) {
    const read = polled.get(partition) ?? [];
    polled.set(partition, read);
    read.push([offset, Number(Buffer.from(value!).toString())]);
  }
  return polled;
}
