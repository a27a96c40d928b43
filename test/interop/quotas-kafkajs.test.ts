import { AlterClientQuotas } from "@tarpan/protocol";
import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { KafkaSocket } from "../../packages/broker/test/runtime/kafka-socket.ts";
import { startOnRealPorts } from "../../packages/broker/test/runtime/on-real-ports.ts";

const VALUE = "x".repeat(4_000);

/** The quota allows 10 kB each second, and is measured over one second and the current one. */
async function limit(port: number, clientId: string): Promise<void> {
  using admin = KafkaSocket.plain(port);
  const keys = ["producer_byte_rate", "consumer_byte_rate"];
  const ops = keys.map((key) => ({ key, value: 10_000, remove: false }));
  const entity = [{ entityType: "client-id", entityName: clientId }];
  const request = { entries: [{ entity, ops }], validateOnly: false };
  const { entries } = await admin.send(AlterClientQuotas, 1, request);
  expect(entries[0]!.errorCode).toBe(0);
}

test("kafkajs: a client above its quota is muted, gets its records, and does not harm others", async () => {
  await using at = await startOnRealPorts({
    ...{ "quota.window.num": "2", "group.initial.rebalance.delay.ms": "0" },
  });
  const brokers = [`127.0.0.1:${at.port(0)}`];
  const clientOf = (clientId: string) =>
    new Kafka({ brokers, clientId, logLevel: logLevel.NOTHING });
  await limit(at.port(0), "limited");
  const [limited, other] = [clientOf("limited"), clientOf("other")];
  const producers = [limited.producer(), other.producer()] as const;
  for (const producer of producers) await producer.connect();
  const send = (producer: (typeof producers)[number]) =>
    producer.send({ topic: "t", messages: [{ value: VALUE }] });
  const answered: string[] = [];
  // The third request is above the quota: the fourth waits.
  const sent = (async () => {
    for (let i = 0; i < 4; i++) {
      await send(producers[0]);
      answered.push(`limited ${i}`);
    }
  })();
  while (!answered.includes("limited 2")) await new Promise(setImmediate);
  await send(producers[1]);
  answered.push("other");
  await sent;
  expect(answered.slice(-2)).toEqual(["other", "limited 3"]);

  const consumer = limited.consumer({ groupId: "g" });
  await consumer.connect();
  await consumer.subscribe({ topic: "t", fromBeginning: true });
  let read = 0;
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async () => void (++read === 3 && resolve());
    consumer.run({ eachMessage }).catch(reject);
  });
  const metrics = await (await fetch(`http://${brokers[0]}/metrics`)).text();
  const throttled = (quota: string) =>
    Number(new RegExp(`throttled_requests_total\\{quota="${quota}"\\} (\\d+)`).exec(metrics)?.[1]);
  expect([throttled("produce") > 0, throttled("fetch") > 0]).toEqual([true, true]);
  expect(metrics).toContain('{quota="produce",user="",client_id="limited"}');
  expect(metrics).not.toContain('client_id="other"');
  await Promise.all([...producers, consumer].map((one) => one.disconnect()));
}, 60_000);
