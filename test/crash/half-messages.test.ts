import { Admin, Client, Consumer, Producer } from "@tarpan/client";
import { expect, it } from "vitest";
import { Member } from "../half-messages/members.ts";
import { keepSettlements, OFTEN_CHECKED } from "../half-messages/settlements.ts";
import { useBroker } from "../harness/broker-process.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";

const isLong = process.env.TARPAN_CHAOS === "1";
const KILLS = Number(process.env.TARPAN_KILL_ROUNDS ?? 100);
const LIMIT_MS = 90_000;

const flags = ["group.initial.rebalance.delay.ms=0", ...OFTEN_CHECKED];
const broker = useBroker({ flags: flags.flatMap((config) => ["--kafka", config]) });

it(
  "kill -9 after each step of a half message neither loses nor doubles it",
  async () => {
    const group = "steps";
    const client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 60_000 });
    const admin = new Admin(client);
    const producer = new Producer(client);
    const send = (key: string, value: string | null, more: { key: string; value: string }) => {
      const headers = [{ key: "tarpan-producer-group", value: group }, more];
      return producer.send({ topic: "__half_messages", key, value, headers });
    };
    const half = (id: string, topic: string) => send(id, id, { key: "tarpan-topic", value: topic });
    const resolve = (id: string, resolution: string) =>
      send(id, null, { key: "tarpan-resolution", value: resolution });
    await admin.createTopic({ name: "target", partitions: 1 });
    for (const id of ["told", "asked", "rolled-back"]) await half(id, "target");
    await half("early", "later");
    await broker.restart();
    // Between the half message and its resolution.
    await resolve("told", "commit");
    await resolve("early", "commit");
    await resolve("rolled-back", "rollback");
    await broker.restart();
    // Between the commit and the delivery: the target is missing.
    await resolve("rolled-back", "commit");
    await admin.createTopic({ name: "later", partitions: 1 });
    await broker.restart();
    // Its producer is silent: another member of the group answers.
    const member = await Member.join(broker.bootstrap, group, () => "commit");
    const consumer = new Consumer(client, { maxWaitMs: 100 });
    const read = async (topic: string, count: number) => {
      const values: string[] = [];
      await consumer.assign([{ topic, partition: 0, offset: "earliest" as const }]);
      while (values.length < count) {
        for (const { value } of await consumer.poll()) values.push(Buffer.from(value!).toString());
      }
      return values.sort();
    };
    await read("target", 2);
    await broker.restart();
    expect(await read("target", 2)).toEqual(["asked", "told"]);
    expect(await read("later", 1)).toEqual(["early"]);
    const url = `http://${broker.bootstrap}/api/v1/half-messages`;
    expect(await (await fetch(url)).json()).toEqual({ messages: [] });
    consumer.close();
    await member.leave();
    await client.close();
  },
  LIMIT_MS,
);

if (isLong)
  it(
    `${KILLS} times kill -9 amid half messages: each that is committed is delivered once`,
    async () => {
      const random = new SeededRandom(printedSeed("half messages killed"));
      const options = {
        ...{ name: "killed", bootstrap: [broker.bootstrap], random, replicas: 1 },
        deliveredWithinMs: 60_000,
      };
      await keepSettlements(options, async () => {
        for (let kill = 0; kill < KILLS; kill++) {
          await new Promise((resolve) => setTimeout(resolve, 300 + random.below(1_500)));
          await broker.restart();
        }
      });
    },
    LIMIT_MS + KILLS * 5_000,
  );
