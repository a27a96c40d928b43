// Coordinators that move and answers that get lost: a peer that follows a script, in the real protocol.
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import {
  type Api,
  ApiVersions,
  DeleteGroups,
  ErrorCode,
  encodeResponse,
  FindCoordinator,
  Metadata,
  OffsetCommit,
  type ResponseInput,
} from "@tarpan/protocol";
import { afterEach, expect, test } from "vitest";
import { Admin, Client } from "../src/index.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** One answer of the script; null closes the connection instead. */
type Script = readonly (readonly [Api, object | null])[];

const VERSIONS = [ApiVersions, Metadata, FindCoordinator, OffsetCommit, DeleteGroups];
/** The one version offered of each, in which the fields used here are all there are. */
const VERSION: Readonly<Record<number, number>> = {
  [ApiVersions.key]: 4,
  [Metadata.key]: 8,
  [FindCoordinator.key]: 2,
  [OffsetCommit.key]: 7,
  [DeleteGroups.key]: 1,
};

/** Answers `script` in turn, and by itself what every client asks. Counts on a request per chunk. */
async function scripted(script: Script): Promise<{ admin: Admin; asked: string[] }> {
  const left = [...script];
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (request: Buffer) => {
      const [key, version] = [request.readInt16BE(4), request.readInt16BE(6)];
      const [api, body] = standing(key, port) ?? left.shift() ?? [];
      if (api === undefined || api.key !== key || !body) return socket.destroy();
      if (standing(key, port) === null) asked.push(api.name);
      const correlationId = request.readInt32BE(8);
      socket.write(Buffer.concat(encodeResponse(api, version, correlationId, body as never)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = new Client({ bootstrap: `127.0.0.1:${port}`, timeoutMs: 5_000 });
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    return client.close();
  });
  return { admin: new Admin(client), asked };
}

function standing(key: number, port: number): readonly [Api, object] | null {
  if (key === ApiVersions.key) {
    const apiKeys = VERSIONS.map(({ key: apiKey }) => {
      return { apiKey, minVersion: VERSION[apiKey]!, maxVersion: VERSION[apiKey]! };
    });
    return [ApiVersions, { errorCode: 0, apiKeys } as ResponseInput<typeof ApiVersions>];
  }
  if (key !== Metadata.key) return null;
  const brokers = [{ nodeId: 1, host: "127.0.0.1", port, rack: null }];
  return [Metadata, { brokers, clusterId: "c", controllerId: 1, topics: [] }];
}

const coordinator = (errorCode: number) =>
  [
    FindCoordinator,
    { errorCode, errorMessage: null, nodeId: 1, host: "127.0.0.1", port: 1 },
  ] as const;
const committed = (errorCode: number) =>
  [
    OffsetCommit,
    { topics: [{ name: "t", partitions: [{ partitionIndex: 0, errorCode }] }] },
  ] as const;
const deleted = (errorCode: number) =>
  [DeleteGroups, { results: [{ groupId: "g", errorCode }] }] as const;

test("a coordinator that is not there, loads or has moved is looked for again", async () => {
  const { admin, asked } = await scripted([
    coordinator(ErrorCode.COORDINATOR_NOT_AVAILABLE),
    coordinator(0),
    committed(ErrorCode.NOT_COORDINATOR),
    coordinator(0),
    committed(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS),
    coordinator(0),
    committed(0),
  ]);
  await admin.alterGroupOffsets("g", [{ topic: "t", partition: 0, offset: 1 }]);
  expect(asked.filter((name) => name === "FindCoordinator")).toHaveLength(4);
  expect(asked.filter((name) => name === "OffsetCommit")).toHaveLength(3);
});

test("a deletion whose answer was lost was done", async () => {
  const { admin } = await scripted([
    coordinator(0),
    [DeleteGroups, null],
    coordinator(0),
    deleted(ErrorCode.GROUP_ID_NOT_FOUND),
  ]);
  await admin.deleteGroups(["g"]);
});

test("a group that was refused for another coordinator's, and is not there, is not found", async () => {
  const { admin } = await scripted([
    coordinator(0),
    deleted(ErrorCode.NOT_COORDINATOR),
    coordinator(0),
    deleted(ErrorCode.GROUP_ID_NOT_FOUND),
  ]);
  await expect(admin.deleteGroups(["g"])).rejects.toMatchObject({
    kafkaName: "GROUP_ID_NOT_FOUND",
  });
});
