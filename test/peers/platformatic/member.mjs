// A member of a group until it is told to end by SIGTERM: see test/harness/group-member.ts.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer } from "@platformatic/kafka";

const request = JSON.parse(readFileSync(0, "utf8"));
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const classic = {
  sessionTimeout: request.sessionTimeoutMs,
  heartbeatInterval: request.heartbeatIntervalMs,
  rebalanceTimeout: 10_000,
};
const consumer = new Consumer({
  clientId: "platformatic",
  bootstrapBrokers: [request.bootstrap],
  groupId: request.group,
  groupProtocol: request.protocol,
  ...(request.protocol === "classic" ? classic : {}),
  retries: 100,
  retryDelay: 100,
  maxWaitTime: 100,
});

const owned = () =>
  (consumer.assignments ?? []).find(({ topic }) => topic === request.topic)?.partitions ?? [];
let told = null;
const tellOwned = (generation = null) => {
  const partitions = [...owned()];
  if (generation === null && String(partitions) === told) return;
  told = String(partitions);
  tell({ event: "owns", generation, partitions });
};
// Its generation belongs to its assignments only after it has joined.
consumer.on("consumer:group:join", ({ generationId }) => tellOwned(generationId ?? null));
consumer.on("consumer:heartbeat:end", () => setImmediate(tellOwned, null));
consumer.on("error", (error) => tell({ event: "failed", error: String(error) }));

/** Retries while a rebalance makes commits fail, until another member owns the partition. */
async function commit(message, partition, next) {
  while (!leaving && owned().includes(partition)) {
    try {
      await message.commit();
      return tell({ event: "committed", offsets: { [partition]: next } });
    } catch (error) {
      tell({ event: "failed", error: String(error) });
      await sleep(50);
    }
  }
}

let leaving = false;
process.once("SIGTERM", async () => {
  leaving = true;
  await consumer.close(true);
  tell({ event: "left" });
  process.exit(0);
});

while (!leaving) {
  try {
    const topics = [request.topic];
    const mode = { mode: "committed", fallbackMode: "earliest", autocommit: false };
    const stream = await consumer.consume({ topics, ...mode });
    tellOwned();
    for await (const message of stream) {
      tellOwned();
      const { partition } = message;
      // The stream still hands out records that it fetched before the partition was revoked.
      if (!owned().includes(partition)) continue;
      const offset = Number(message.offset);
      tell({ event: "records", partition, offsets: [offset] });
      await commit(message, partition, offset + 1);
    }
  } catch (error) {
    if (!leaving) tell({ event: "failed", error: String(error) });
  }
  await sleep(100);
}
