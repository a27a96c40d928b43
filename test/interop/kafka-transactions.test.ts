// What kafka-transactions.sh tells of a broker's transactions, and what it changes.
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeBatch } from "@tarpan/protocol";
import { expect } from "vitest";
import { readCommitted } from "../bank/read-committed.ts";
import { RoutedClient } from "../bank/routed-client.ts";
import { TransactionalClient } from "../bank/transactional-client.ts";
import { TcpWire } from "../bank/wire.ts";
import { BrokerProcess } from "../harness/broker-process.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic, textRecord } from "../harness/records.ts";
import { succeed } from "../harness/run.ts";
import { applications } from "./java-application.ts";

const OPEN_MS = 300_000;
const LIMIT_MS = 240_000;

applications.it(
  "kafka-transactions.sh lists, describes and ends transactions, also hanging ones",
  async () => {
    const broker = new BrokerProcess();
    await broker.start();
    const wire = new TcpWire([broker.bootstrap]);
    const client = new RoutedClient(wire, LIMIT_MS);
    try {
      await createTopics(broker);
      await openOneAndCommitOne(client);
      await expectShown(broker);
      await expectTerminated(broker, client);
      await letOneHang(broker);
      await expectAborted(broker, client);
      expect(broker.bugs, broker.output).toEqual([]);
    } finally {
      wire.close();
      await broker.kill9();
    }
  },
  LIMIT_MS,
);

async function createTopics({ port }: BrokerProcess): Promise<void> {
  const connection = await RawConnection.open(port);
  for (const topic of ["written", "hanging"]) await createTopic(connection, topic);
  connection.close();
}

async function openOneAndCommitOne(client: RoutedClient): Promise<void> {
  const done = new TransactionalClient(client, "done", false, OPEN_MS);
  await done.begin();
  await done.send("written", 0, ["committed"]);
  await done.end(true);
  const open = new TransactionalClient(client, "open", true, OPEN_MS);
  await open.begin();
  await open.send("written", 0, ["undecided"]);
}

async function expectShown({ bootstrap }: BrokerProcess): Promise<void> {
  const done = { TransactionalId: "done", Coordinator: "1", ProducerId: "0" };
  const open = { TransactionalId: "open", Coordinator: "1", ProducerId: "1" };
  const listed = await rowsOf(bootstrap, "list");
  expect(listed.sort(byTransactionalId)).toEqual([
    { ...done, TransactionState: "CompleteCommit" },
    { ...open, TransactionState: "Ongoing" },
  ]);
  const matching = await rowsOf(bootstrap, "list", "--transactional-id-pattern", "o.*");
  expect(matching).toMatchObject([open]);
  expect(await rowsOf(bootstrap, "list", "--duration-filter", `${OPEN_MS}`)).toEqual([]);
  expect(await rowsOf(bootstrap, "describe", "--transactional-id", "open")).toMatchObject([
    {
      ...{ CoordinatorId: "1", TransactionalId: "open", ProducerId: "1", ProducerEpoch: "0" },
      ...{ TransactionState: "Ongoing", TransactionTimeoutMs: `${OPEN_MS}` },
      TopicPartitions: "written-0",
    },
  ]);
  const producers = await rowsOf(bootstrap, "describe-producers", ...placeOf("written"));
  expect(producers).toMatchObject([
    { ProducerId: "0", LatestCoordinatorEpoch: "0", CurrentTransactionStartOffset: "None" },
    { ProducerId: "1", LatestCoordinatorEpoch: "-1", CurrentTransactionStartOffset: "2" },
  ]);
  // The coordinator will end it.
  expect(await hangingOn(bootstrap, "--broker-id", "1")).toEqual([]);
}

async function expectTerminated({ bootstrap }: BrokerProcess, client: RoutedClient): Promise<void> {
  expect(await committedOf(client, "written")).toMatchObject({ lastStableOffset: 2 });
  await tool(bootstrap, "forceTerminateTransaction", "--transactionalId", "open");
  const described = await rowsOf(bootstrap, "describe", "--transactional-id", "open");
  expect(described).toMatchObject([{ TransactionState: "Empty", TopicPartitions: "" }]);
  const { values, lastStableOffset, highWatermark } = await committedOf(client, "written");
  expect(values.map(({ value }) => value)).toEqual(["committed"]);
  expect(lastStableOffset).toBe(highWatermark);
}

/** A batch in the partition's file, of a transaction that no coordinator has ever seen. */
async function letOneHang(broker: BrokerProcess): Promise<void> {
  await broker.kill9();
  const producer = { producerId: 4711, producerEpoch: 3, baseSequence: 0, transactional: true };
  const file = join(broker.dataDirectory, "hanging-0", "00000000000000000000.log");
  await appendFile(file, encodeBatch([textRecord("stuck")], producer));
  await broker.start();
}

async function expectAborted({ bootstrap }: BrokerProcess, client: RoutedClient): Promise<void> {
  const hanging = {
    ...{ Topic: "hanging", Partition: "0", ProducerId: "4711", ProducerEpoch: "3" },
    ...{ CoordinatorEpoch: "-1", StartOffset: "0" },
  };
  expect(await hangingOn(bootstrap, "--broker-id", "1")).toMatchObject([hanging]);
  expect(await hangingOn(bootstrap, "--topic", "hanging")).toMatchObject([hanging]);
  await tool(bootstrap, "abort", ...placeOf("hanging"), "--start-offset", "0");
  expect(await hangingOn(bootstrap, "--topic", "hanging")).toEqual([]);
  const read = await committedOf(client, "hanging");
  expect(read).toEqual({ values: [], next: 2, lastStableOffset: 2, highWatermark: 2 });
}

type Row = Readonly<Record<string, string>>;

const byTransactionalId = (a: Row, b: Row) => (a.TransactionalId! < b.TransactionalId! ? -1 : 1);
const placeOf = (topic: string) => ["--topic", topic, "--partition", "0"];
const committedOf = (client: RoutedClient, topic: string) => readCommitted(client, topic, 0, 0);

function hangingOn(bootstrap: string, ...where: readonly string[]): Promise<Row[]> {
  return rowsOf(bootstrap, "find-hanging", ...where, "--max-transaction-timeout", "0");
}

/** The rows of a table that it prints, by the names of the columns. */
async function rowsOf(bootstrap: string, ...args: readonly string[]): Promise<Row[]> {
  const printed = await tool(bootstrap, ...args);
  const lines = printed.split("\n").filter((line) => line.includes("\t"));
  const [names, ...rows] = lines.map((line) => line.split("\t").map((cell) => cell.trim()));
  return rows.map((cells) => {
    const named = names!.map((name, index) => [name, cells[index]!] as const);
    return Object.fromEntries(named.filter(([name]) => name !== ""));
  });
}

function tool(bootstrap: string, ...args: readonly string[]): Promise<string> {
  const options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-XX:TieredStopAtLevel=1"];
  const main = "org.apache.kafka.tools.TransactionsCommand";
  const command = [...options, "-cp", applications.classPath, main];
  return succeed(applications.path, [...command, "--bootstrap-server", bootstrap, ...args]);
}
