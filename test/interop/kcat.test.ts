import { expect } from "vitest";
import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { base64, batchOf, CODECS, createTopic, produce, readAll } from "../harness/records.ts";
import { type RunOptions, succeed } from "../harness/run.ts";
import { SAMPLE } from "./peer.ts";

const { address } = useClientBroker();
const { it, path } = peer("kcat");
const kcat = (args: readonly string[], options: RunOptions = {}) =>
  succeed(path, ["-b", address.bootstrap, "-m", "10", ...args], options);

it("lists brokers, topics and partitions as JSON (-L)", async () => {
  const connection = await RawConnection.open(address.port);
  await createTopic(connection, "listed", { partitions: 3 });
  connection.close();
  const metadata = JSON.parse(await kcat(["-L", "-J"]));
  expect(metadata.brokers.map(({ name }: { name: string }) => name)).toEqual([address.bootstrap]);
  const { id } = metadata.brokers[0];
  const listed = metadata.topics.find(({ topic }: { topic: string }) => topic === "listed");
  const partition = (index: number) => ({
    partition: index,
    leader: id,
    replicas: [{ id }],
    isrs: [{ id }],
  });
  expect(listed.partitions).toEqual([0, 1, 2].map(partition));
});

it("produces to a topic that is created automatically, and consumes it", async () => {
  await kcat(["-P", "-t", "made-on-the-way", "-K", "=", "-p", "0"], { input: "a=1\nb=2\nc=\n" });
  const format = ["-f", "%o %k %s\n"];
  const consumed = await kcat(["-C", "-t", "made-on-the-way", "-p", "0", "-e", "-q", ...format]);
  expect(consumed).toBe("0 a 1\n1 b 2\n2 c \n");
});

for (const codec of CODECS) {
  it(`produces ${codec} batches, with and without idempotence`, async () => {
    const connection = await RawConnection.open(address.port);
    const topic = `kcat-${codec}`;
    await createTopic(connection, topic);
    const lines = Array.from({ length: 500 }, (_, index) => `${codec} line ${index}`);
    const input = `${lines.join("\n")}\n`;
    const args = ["-P", "-t", topic, "-p", "0", "-z", codec, "-k", "key", "-H", "one=1"];
    // librdkafka sends a batch uncompressed if compression does not make it smaller. Batches are
    // limited by count, not by time, so each has 250 records however slow this machine is.
    const full = ["-X", "batch.num.messages=250", "-X", "linger.ms=60000"];
    await kcat([...args, ...full], { input });
    await kcat([...args, ...full, "-X", "enable.idempotence=true"], { input });
    const { records, codecs } = await readAll(connection, topic);
    expect(records.map(({ value }) => value)).toEqual([...lines, ...lines].map(base64));
    expect(records.map(({ offset }) => offset)).toEqual(records.map((_, index) => index));
    expect(new Set(records.map(({ key }) => key))).toEqual(new Set([base64("key")]));
    expect(records.every(({ headers }) => headers[0]![1] === base64("1"))).toBe(true);
    expect([...codecs]).toEqual([codec]);
    connection.close();
  });
}

it("consumes every codec with keys, headers, timestamps and offsets", async () => {
  const connection = await RawConnection.open(address.port);
  await createTopic(connection, "consumed");
  for (const codec of CODECS) await produce(connection, "consumed", batchOf(SAMPLE, codec));
  connection.close();
  const format = ["-f", "%o %T %K %S %h\n"];
  const consumed = await kcat(["-C", "-t", "consumed", "-p", "0", "-e", "-q", ...format]);
  const bytes = (text: string | null) => (text === null ? -1 : Buffer.from(text, "base64").length);
  const stored = CODECS.flatMap(() => SAMPLE).map(({ timestamp, key, value, headers }, offset) => {
    const names = headers.map(([name]) => name).join(",");
    return `${offset} ${timestamp} ${bytes(key)} ${bytes(value)} ${names}`;
  });
  // Header values are not all text, so only their names are compared here.
  const seen = Buffer.from(consumed, "utf8").toString("utf8").trimEnd().split("\n");
  expect(seen.map(namesOfHeaders)).toEqual(stored.map((line) => line.trimEnd()));
});

function namesOfHeaders(line: string): string {
  const [offset, timestamp, key, value, headers = ""] = line.split(" ");
  const names = headers.split(",").map((header) => header.split("=")[0]);
  return `${offset} ${timestamp} ${key} ${value} ${names.join(",")}`.trimEnd();
}

it("finds the offset of a timestamp (-Q) and starts there (-o s@)", async () => {
  const connection = await RawConnection.open(address.port);
  await createTopic(connection, "by-time");
  await produce(connection, "by-time", batchOf(SAMPLE));
  connection.close();
  const { timestamp } = SAMPLE[4]!;
  expect(await kcat(["-Q", "-t", `by-time:0:${timestamp}`])).toMatch(/by-time \[0\] offset 4/);
  const from = ["-C", "-t", "by-time", "-p", "0", "-o", `s@${timestamp}`, "-e", "-q", "-f", "%o "];
  expect(await kcat(from)).toBe("4 5 6 ");
});
