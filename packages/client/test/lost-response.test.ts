// A broker has stored a batch, but its response is lost: the retry must not store the batch again.

import type { AddressInfo } from "node:net";
import { createConnection, createServer, type Socket } from "node:net";
import { Broker } from "@tarpan/broker";
import { decodeResponse, encodeResponse, Metadata, Produce } from "@tarpan/protocol";
import { afterEach, expect, test } from "vitest";
import { Admin, Client, Producer } from "../src/index.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/**
 * A proxy before a broker, whose port it replaces by its own in metadata responses. It closes the
 * connection instead of passing on the next `lose.produces` Produce responses. It expects one
 * request, and one response, per chunk.
 */
async function lossyProxy(brokerPort: number, lose: { produces: number }): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const broker = createConnection(brokerPort, "127.0.0.1");
    for (const socket of [client, broker]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    let [apiKey, version] = [-1, -1];
    client.on("data", (request: Buffer) => {
      [apiKey, version] = [request.readInt16BE(4), request.readInt16BE(6)];
      broker.write(request);
    });
    broker.on("data", (answer: Buffer) => {
      if (apiKey === Produce.key && lose.produces-- > 0) client.destroy();
      else client.write(apiKey === Metadata.key ? readdressed(answer, version, port) : answer);
    });
    client.on("close", () => broker.destroy());
    broker.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return port;
}

function readdressed(answer: Buffer, version: number, port: number): Buffer {
  const { correlationId, body } = decodeResponse(Metadata, version, answer.subarray(4));
  const brokers = body.brokers.map((broker) => ({ ...broker, port }));
  return Buffer.concat(encodeResponse(Metadata, version, correlationId, { ...body, brokers }));
}

test.each([
  ["idempotent", true, 3],
  ["not idempotent", false, 5],
])("%s", async (_name, idempotent, stored) => {
  const broker = await Broker.start();
  closing.push(() => broker.stop());
  const lose = { produces: 0 };
  const port = await lossyProxy(broker.port, lose);
  const client = new Client({ bootstrap: `127.0.0.1:${port}`, timeoutMs: 5_000 });
  closing.push(() => client.close());
  const producer = new Producer(client, { idempotent });
  await producer.send({ topic: "t", partition: 0, value: "1" });
  lose.produces = 2;
  await producer.send({ topic: "t", partition: 0, value: "2" });
  await producer.send({ topic: "t", partition: 0, value: "3" });
  expect(lose.produces).toBeLessThanOrEqual(0);
  expect(await new Admin(client).offset({ topic: "t", partition: 0 }, "latest")).toBe(stored);
});
