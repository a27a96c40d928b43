// What a client does when brokers are down or silent, or when the server is no broker.

import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { Broker } from "@tarpan/broker";
import { afterEach, expect, test } from "vitest";
import { Admin, Client, Connection, Producer } from "../src/index.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function clientOf(bootstrap: string | string[], timeoutMs = 5_000): Client {
  const client = new Client({ bootstrap, timeoutMs });
  closing.push(() => client.close());
  return client;
}

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test("connection refused: rejects at once, with the address", async () => {
  const port = await listen(() => {});
  await closing.pop()!();
  const admin = new Admin(clientOf(`127.0.0.1:${port}`));
  await expect(admin.listTopics()).rejects.toMatchObject({
    code: "TARPAN_CONNECTION",
    message: `127.0.0.1:${port}: connection refused`,
  });
});

test("one broker of several is enough", async () => {
  const broker = await Broker.start();
  closing.push(() => broker.stop());
  const admin = new Admin(clientOf(["127.0.0.1:1", broker.bootstrap]));
  expect(await admin.listTopics()).toEqual([]);
});

test("a silent peer: a time-out with its address", async () => {
  const port = await listen(() => {});
  const options = { host: "127.0.0.1", port, clientId: "c", timeoutMs: 50 };
  await expect(Connection.open(options)).rejects.toMatchObject({
    code: "TARPAN_TIMEOUT",
    message: `127.0.0.1:${port} did not answer ApiVersions within 50 ms`,
  });
});

test("a peer that is no Kafka broker", async () => {
  const port = await listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const options = { host: "127.0.0.1", port, clientId: "c", timeoutMs: 5_000 };
  await expect(Connection.open(options)).rejects.toThrow(/does not speak the Kafka protocol/);
});

test("a peer that closes", async () => {
  const port = await listen((socket) => socket.destroy());
  const options = { host: "127.0.0.1", port, clientId: "c", timeoutMs: 5_000 };
  await expect(Connection.open(options)).rejects.toMatchObject({ code: "TARPAN_CONNECTION" });
});

test("a broker that restarts on its port: records sent meanwhile are stored once and in order", async () => {
  let broker = await Broker.start({ configs: { "num.partitions": 1 } });
  closing.push(() => broker.stop());
  const client = clientOf(broker.bootstrap);
  const producer = new Producer(client);
  await producer.send({ topic: "t", partition: 0, value: "before" });
  const { port } = broker;
  await broker.stop();
  const sent = [1, 2, 3].map((i) => producer.send({ topic: "t", partition: 0, value: `${i}` }));
  broker = await Broker.start({ port });
  // A broker in memory restarts empty; the producer's metadata request creates the topic again.
  const outcomes = await Promise.all(sent);
  expect(outcomes.map(({ offset }) => offset)).toEqual([0, 1, 2]);
});

test("a broker that does not restart: the delivery time-out ends the retries", async () => {
  const broker = await Broker.start();
  const producer = new Producer(clientOf(broker.bootstrap), { deliveryTimeoutMs: 300 });
  await producer.send({ topic: "t", partition: 0, value: "before" });
  await broker.stop();
  await expect(producer.send({ topic: "t", partition: 0, value: "late" })).rejects.toMatchObject({
    code: "TARPAN_TIMEOUT",
    message: expect.stringContaining("t-0: not delivered within 300 ms"),
  });
});

test("a broker that creates no topics: rejects after a few seconds", async () => {
  const broker = await Broker.start({ configs: { "auto.create.topics.enable": false } });
  closing.push(() => broker.stop());
  const producer = new Producer(clientOf(broker.bootstrap), { deliveryTimeoutMs: 1_000 });
  await expect(producer.send({ topic: "t", value: "v" })).rejects.toMatchObject({
    code: "TARPAN_UNKNOWN_TOPIC",
  });
});

test("a closed client rejects", async () => {
  const broker = await Broker.start();
  closing.push(() => broker.stop());
  const client = clientOf(broker.bootstrap);
  await client.cluster();
  await client.close();
  await expect(client.cluster()).rejects.toMatchObject({ code: "TARPAN_CLOSED" });
});
