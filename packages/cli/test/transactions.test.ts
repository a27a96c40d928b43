// Whole command lines about transactions against a real broker, in this process.
import { Broker } from "@tarpan/broker";
import { Admin, Client, Consumer, Producer, TransactionalProducer } from "@tarpan/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tarpan } from "./run-command.ts";

let broker: Broker;
let client: Client;
let admin: Admin;

beforeAll(async () => {
  broker = await Broker.start();
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
  admin = new Admin(client);
  await admin.createTopic({ name: "orders", partitions: 2 });
});

afterAll(async () => {
  await client.close();
  await broker.stop();
});

const at = (...argv: string[]) =>
  tarpan(["transactions", ...argv, "--bootstrap", broker.bootstrap]);
const TIME = "\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z";

test("list and describe show a transaction, and abort ends it in its partition", async () => {
  expect(await at("list")).toMatchObject({ code: 0, stdout: "", stderr: /no transactional id/ });
  const producer = new TransactionalProducer(client, { transactionalId: "transfer-1" });
  await producer.begin();
  await producer.send({ topic: "orders", partition: 1, value: "open" });
  await new Producer(client).send({ topic: "orders", partition: 1, value: "plain" });
  const producerId = (await admin.listTransactions())[0]!.producerId;
  const row = { transactionalId: "transfer-1", producerId, state: "Ongoing", coordinator: 1 };

  const listed = await at("list", "--state", "Ongoing");
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  expect(listed.stdout).toBe(
    "transactional id  state    producer id  coordinator\n" +
      `transfer-1        Ongoing  ${String(producerId).padEnd(11)}  1\n`,
  );
  expect(JSON.parse((await at("list", "--json")).stdout)).toEqual([row]);
  expect(await at("list", "--state", "Empty", "--json")).toMatchObject({ stdout: "[]\n" });
  expect(await at("list", "--state", "Empty", "--state", "PrepareAbort")).toEqual({
    ...{ code: 0, stdout: "" },
    stderr: "no transactional id is in the state Empty or PrepareAbort\n",
  });

  expect((await at("describe", "transfer-1")).stdout).toMatch(
    new RegExp(`\ntransfer-1 +Ongoing +${producerId} +\\d+ +1 +60000 ms +${TIME} +orders:1\n$`),
  );
  const [described] = JSON.parse((await at("describe", "transfer-1", "--json")).stdout);
  expect(described).toMatchObject({ ...row, partitions: [{ topic: "orders", partition: 1 }] });

  const where = ["--topic", "orders", "--partition", "1"];
  const [holder] = JSON.parse((await at("describe-producers", ...where, "--json")).stdout);
  expect(holder).toMatchObject({ producerId, startOffset: 0 });
  expect((await at("describe-producers", ...where)).stdout).toMatch(
    new RegExp(`\n${producerId} +\\d+ +-?\\d+ +0 +${TIME} +0\n`),
  );

  const hanging = ["find-hanging", "--topic", "orders", "--max-transaction-timeout", "1ms"];
  expect(await at(...hanging)).toEqual({ code: 0, stdout: "", stderr: "no transaction hangs\n" });

  expect(await at("abort", ...where, "--start-offset", "1")).toMatchObject({
    code: 1,
    stderr: /orders-1 has no open transaction that begins at offset 1; see where they begin/,
  });
  expect(await at("abort", ...where, "--start-offset", "0")).toEqual({
    code: 0,
    stdout: "aborted the transaction that begins at offset 0 of orders-1\n",
    stderr: "",
  });
  const consumer = new Consumer(client, { isolationLevel: "read_committed" });
  await consumer.assign([{ topic: "orders", partition: 1, offset: "earliest" }]);
  expect((await consumer.poll()).map(({ value }) => String(value))).toEqual(["plain"]);
  consumer.close();
  await producer.close();
});

test("consume reads all records or only committed ones, alone and in a group", async () => {
  await admin.createTopic({ name: "levels" });
  const producer = new TransactionalProducer(client, { transactionalId: "levels-1" });
  for (const [value, end] of [
    ["aborted", "abort"],
    ["committed", "commit"],
    ["open", null],
  ] as const) {
    await producer.begin();
    await producer.send({ topic: "levels", partition: 0, value });
    if (end !== null) await producer[end]();
  }
  const read = async (...more: string[]) => {
    const argv = ["consume", "levels", "-e", "--bootstrap", broker.bootstrap, ...more];
    return (await tarpan(argv)).stdout;
  };
  const level = (name: string) => ["--isolation-level", name];
  for (const all of [[], level("read_uncommitted")])
    expect(await read(...all)).toBe("aborted\ncommitted\nopen\n");
  expect(await read(...level("read_committed"))).toBe("committed\n");
  // The marker of the commit is the last offset before the open transaction.
  expect(await read(...level("read_committed"), "-o", "-2")).toBe("committed\n");
  expect(await read(...level("read_committed"), "--group", "g")).toBe("committed\n");
  const refused = await tarpan(["consume", "levels", ...level("read_comitted")]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain(
    '--isolation-level must be read_uncommitted | read_committed, not "read_comitted"; ' +
      "did you mean read_committed?",
  );
  await producer.abort();
  await producer.close();
});

test("an unknown transactional id, and options that are missing or wrong", async () => {
  expect(await at("describe", "nobody")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/NOT_FOUND\); list them with: tarpan transactions list\n$/),
  });
  expect(await at("list", "--state", "Odd")).toMatchObject({
    code: 1,
    stderr: "tarpan: the broker knows no transaction state Odd\n",
  });
  for (const [argv, problem] of [
    [["abort", "--topic", "orders", "--partition", "0"], "--start-offset is missing"],
    [["describe-producers", "--topic", "orders"], "--partition is missing"],
    [["find-hanging", "--partition", "0"], "--partition needs --topic"],
    [["describe"], "--transactional-id is missing"],
  ] as const)
    expect(await at(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(problem) });
});
