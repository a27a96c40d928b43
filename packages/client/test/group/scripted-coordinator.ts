// A scripted coordinator of group "g": it speaks the real protocol, and answers in turn.
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import {
  type Api,
  ApiVersions,
  decodeRequest,
  encodeResponse,
  FindCoordinator,
  Metadata,
  rangeOf,
} from "@tarpan/protocol";
import { Client } from "../../src/connection/client.ts";
import { CoordinatorLink } from "../../src/connection/coordinator-link.ts";

export type Answer = readonly [Api, object];
type Body = Readonly<Record<string, unknown>>;

export interface ScriptedCoordinator {
  readonly client: Client;
  readonly link: CoordinatorLink;
  close(): Promise<void>;
}

/**
 * Sends these answers in turn to requests of `served`, and tells each request to `asked`. A request
 * that is not the next of the script closes its connection; after its end none is answered.
 */
export async function scriptedCoordinator(
  served: readonly Api[],
  script: readonly Answer[],
  topics: readonly object[],
  asked: (api: Api, body: Body) => void,
): Promise<ScriptedCoordinator> {
  const all = [ApiVersions as Api, Metadata as Api, FindCoordinator as Api, ...served];
  const byKey = new Map<number, Api>(all.map((api) => [api.key, api]));
  const left = [...script];
  const sockets = new Set<Socket>();
  const standing = (api: Api, port: number): Answer | null => {
    if (api.key === ApiVersions.key) {
      const apiKeys = all.map(({ key, versions }) => {
        const { max } = rangeOf(versions);
        return { apiKey: key, minVersion: max, maxVersion: max };
      });
      return [api, { errorCode: 0, apiKeys }];
    }
    if (api.key === Metadata.key) {
      const brokers = [{ nodeId: 1, host: "127.0.0.1", port, rack: null }];
      return [api, { brokers, controllerId: 1, topics }];
    }
    if (api.key !== FindCoordinator.key) return null;
    const self = { key: "g", nodeId: 1, host: "127.0.0.1", port, errorCode: 0, errorMessage: null };
    return [api, { coordinators: [self] }];
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    // One request per chunk: a member never has two in flight.
    socket.on("data", (chunk: Buffer) => {
      const api = byKey.get(chunk.readInt16BE(4))!;
      const { header, body } = decodeRequest(api, chunk.subarray(4));
      const known = standing(api, port);
      const [expected, answer] = known ?? left.shift() ?? [];
      if (known === null) asked(api, body);
      if (expected === undefined || answer === undefined) return;
      if (expected.key !== api.key) return socket.destroy();
      const { correlationId, apiVersion } = header;
      socket.write(Buffer.concat(encodeResponse(api, apiVersion, correlationId, answer)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = new Client({ bootstrap: `127.0.0.1:${port}`, timeoutMs: 5_000 });
  const link = new CoordinatorLink(client, "group", "g");
  const close = async () => {
    link.close();
    await client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { client, link, close };
}
