import { type AddressInfo, createServer } from "node:net";
import { ApiVersions, ErrorCode, encodeResponse, Metadata } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { Connection } from "../src/connection/connection.ts";

/** Offers ApiVersions up to `max`, and answers a newer version as Kafka does. Returns its port. */
async function brokerOf(max: number, listsItself: boolean) {
  const asked: number[] = [];
  const itself = { apiKey: ApiVersions.key, minVersion: 0, maxVersion: max };
  const apiKeys = [itself, { apiKey: Metadata.key, minVersion: 0, maxVersion: 8 }];
  const level = { name: "transaction.version", minVersionLevel: 2, maxVersionLevel: 2 };
  const served = { errorCode: 0, apiKeys, finalizedFeaturesEpoch: 1, finalizedFeatures: [level] };
  const refused = {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: listsItself ? [itself] : [],
  };
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (request: Buffer) => {
      const [version, id] = [request.readInt16BE(6), request.readInt32BE(8)];
      asked.push(version);
      const frame = version > max ? [0, refused] : [version, served];
      const [answeredAs, body] = frame as [number, typeof served];
      socket.write(Buffer.concat(encodeResponse(ApiVersions, answeredAs, id, body)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const connection = await Connection.open({
    ...{ host: "127.0.0.1", port, clientId: "test", timeoutMs: 5_000 },
  });
  connection.close();
  server.close();
  return { asked, connection };
}

it("asks a broker of an older release again, in a version that it serves", async () => {
  const { asked, connection } = await brokerOf(3, true);
  expect(asked).toEqual([5, 3]);
  expect(connection.versionOf(Metadata)).toBe(8);
  expect(connection.featureLevel("transaction.version")).toBe(2);
});

it("asks in version 0 a broker that does not say which versions it serves", async () => {
  const { asked, connection } = await brokerOf(2, false);
  expect(asked).toEqual([5, 0]);
  expect(connection.versionOf(Metadata)).toBe(8);
  expect(connection.featureLevel("transaction.version")).toBe(0);
});
