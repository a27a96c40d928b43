// Scripted brokers that speak the real protocol, for cases that are too rare with real brokers.
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { type Api, ApiVersions, encodeResponse, Metadata } from "@tarpan/protocol";
import { Client } from "../src/index.ts";

/** An API, and the only version of it that is offered. */
export type Offered = readonly [Api, number];

/** The body of the response, or of a later one; or null to close the connection instead. */
export type Answer = (api: Api, nodeId: number) => object | null | Promise<object>;

export interface ScriptedBrokers {
  readonly client: Client;
  /** All requests except ApiVersions and Metadata, in the order of arrival. */
  readonly asked: readonly { readonly name: string; readonly nodeId: number }[];
  close(): Promise<void>;
}

/**
 * Brokers with node ids from 1 on, and one client. `topicsOf` returns each broker's topics for
 * Metadata, `answer` all other responses. It expects one request per chunk.
 */
export async function scriptedBrokers(
  count: number,
  offered: readonly Offered[],
  topicsOf: (nodeId: number) => readonly object[],
  answer: Answer,
  timeoutMs = 5_000,
): Promise<ScriptedBrokers> {
  const all: readonly Offered[] = [[ApiVersions, 4], [Metadata, 8], ...offered];
  const apiKeys = all.map(([{ key }, version]) => {
    return { apiKey: key, minVersion: version, maxVersion: version };
  });
  const asked: { name: string; nodeId: number }[] = [];
  const sockets = new Set<Socket>();
  const ports: number[] = [];
  const respond = (api: Api, nodeId: number) => {
    if (api === ApiVersions) return { errorCode: 0, apiKeys };
    if (api !== Metadata) {
      asked.push({ name: api.name, nodeId });
      return answer(api, nodeId);
    }
    const brokers = ports.map((port, index) => {
      return { nodeId: index + 1, host: "127.0.0.1", port, rack: null };
    });
    return { brokers, clusterId: "c", controllerId: 1, topics: topicsOf(nodeId) };
  };
  const servers = Array.from({ length: count }, (_, index) =>
    createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("data", async (request: Buffer) => {
        const api = all.find(([{ key }]) => key === request.readInt16BE(4))![0];
        const body = await respond(api, index + 1);
        if (body === null) return socket.destroy();
        const [version, id] = [request.readInt16BE(6), request.readInt32BE(8)];
        socket.write(Buffer.concat(encodeResponse(api, version, id, body as never)));
      });
    }),
  );
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  const client = new Client({ bootstrap: `127.0.0.1:${ports[0]}`, timeoutMs });
  const close = async () => {
    await client.close();
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  };
  return { client, asked, close };
}
