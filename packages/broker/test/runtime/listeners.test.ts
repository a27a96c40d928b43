import { DescribeCluster, FindCoordinator, Metadata } from "@tarpan/protocol";
import { expect, test } from "vitest";
import { KafkaSocket } from "./kafka-socket.ts";
import { startOnRealPorts } from "./on-real-ports.ts";

const CLUSTER = { includeClusterAuthorizedOperations: false };
const ALL_TOPICS = { topics: null, allowAutoTopicCreation: false };

test("a client is told the addresses of the listener that it came by", async () => {
  await using at = await startOnRealPorts({
    listeners: "INSIDE://127.0.0.1:0,OUTSIDE://0.0.0.0:0,HOST://127.0.0.1:0",
    "advertised.listeners": "OUTSIDE://kafka.example:19092",
    "listener.security.protocol.map": "INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,HOST:PLAINTEXT",
  });
  const addresses = [
    { host: "127.0.0.1", port: at.port(0) },
    { host: "kafka.example", port: 19_092 },
    { host: "127.0.0.1", port: at.port(2) },
  ];
  for (const [i, address] of addresses.entries()) {
    using client = KafkaSocket.plain(at.port(i));
    const nodes = [
      (await client.send(Metadata, 12, ALL_TOPICS)).brokers,
      (await client.send(DescribeCluster, 1, CLUSTER)).brokers,
      (await client.send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ["g"] })).coordinators,
    ];
    for (const [node] of nodes) expect(node).toMatchObject(address);
  }
  expect(at.broker.bootstrap).toBe(`127.0.0.1:${at.port(0)}`);
});

test("listeners share the port 0 address and the limits of connections", async () => {
  await using at = await startOnRealPorts({
    listeners: "A://127.0.0.1:0,B://127.0.0.1:0",
    "listener.security.protocol.map": "A:PLAINTEXT,B:PLAINTEXT",
    "max.connections.per.ip": "1",
  });
  using first = KafkaSocket.plain(at.port(0));
  await first.send(Metadata, 12, ALL_TOPICS);
  using second = KafkaSocket.plain(at.port(1));
  await expect(second.send(Metadata, 12, ALL_TOPICS)).rejects.toThrow();
  expect(at.listener.connections).toBe(1);
});

test.each([
  ["A://:1,A://:2", "A:PLAINTEXT", "lists A twice"],
  ["A://:1,B://:1", "A:PLAINTEXT,B:PLAINTEXT", "A and B have the same port, 1"],
  ["A://127.0.0.1:0", "B:PLAINTEXT", "listener A has no protocol"],
  ["A://127.0.0.1:0", "A:PLAIN", "must be like NAME:PLAINTEXT"],
])("%s with the protocols %s is refused", async (listeners, protocols, message) => {
  const starting = startOnRealPorts({ listeners, "listener.security.protocol.map": protocols });
  await expect(starting).rejects.toThrow(message);
});

test("one port may have an IPv4 and an IPv6 address", async () => {
  await using at = await startOnRealPorts({
    listeners: "FOUR://127.0.0.1:0,SIX://[::1]:0",
    "listener.security.protocol.map": "FOUR:PLAINTEXT,SIX:PLAINTEXT",
  });
  using client = KafkaSocket.plain(at.port(1), "::1");
  const { brokers } = await client.send(Metadata, 12, ALL_TOPICS);
  expect(brokers).toMatchObject([{ host: "::1", port: at.port(1) }]);
});
