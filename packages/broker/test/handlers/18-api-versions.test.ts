import { ApiVersions, decodeResponse, ErrorCode, rangeOf } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { handlers } from "../../src/handlers/index.ts";
import { WholeBroker } from "./whole-broker.ts";

const software = { clientSoftwareName: "tarpan-test", clientSoftwareVersion: "1.0" };

describe("ApiVersions", () => {
  it.each([0, 1, 2, 3, 4, 5])("lists what is served, at version %i", async (version) => {
    const broker = await WholeBroker.start();
    const { errorCode, apiKeys } = await broker.call(ApiVersions, version, software);
    expect(errorCode).toBe(0);
    expect(apiKeys.map(({ apiKey }) => apiKey)).toEqual(
      handlers.map(({ api }) => api.key).toSorted((a, b) => a - b),
    );
    const produce = apiKeys.find(({ apiKey }) => apiKey === 0);
    expect(produce).toMatchObject({ minVersion: 0, maxVersion: 13 });
    for (const { api, versions } of handlers) {
      const listed = apiKeys.find(({ apiKey }) => apiKey === api.key)!;
      expect(listed.maxVersion).toBe(rangeOf(versions).max);
      if (api.key !== 0) expect(listed.minVersion).toBe(rangeOf(versions).min);
    }
  });

  it("announces the consumer protocol and transactions v2 with finalized features", async () => {
    const broker = await WholeBroker.start();
    const told = await broker.call(ApiVersions, 4, software);
    const metadataVersion = { name: "metadata.version", minVersion: 7, maxVersion: 25 };
    const groupVersion = { name: "group.version", minVersion: 0, maxVersion: 1 };
    const transactionVersion = { name: "transaction.version", minVersion: 0, maxVersion: 2 };
    const metadataLevel = { name: "tarpan.metadata.version", minVersion: 1, maxVersion: 4 };
    expect(told.supportedFeatures).toEqual([
      ...[metadataVersion, groupVersion, transactionVersion, metadataLevel],
    ]);
    expect(told.finalizedFeaturesEpoch).toBe(broker.metadata.endOffset);
    expect(told.finalizedFeatures).toEqual([
      { name: "metadata.version", minVersionLevel: 25, maxVersionLevel: 25 },
      { name: "group.version", minVersionLevel: 1, maxVersionLevel: 1 },
      { name: "transaction.version", minVersionLevel: 2, maxVersionLevel: 2 },
      { name: "tarpan.metadata.version", minVersionLevel: 1, maxVersionLevel: 1 },
    ]);
    // Older clients refuse a response with a feature that begins at 0.
    const older = await broker.call(ApiVersions, 3, software);
    expect(older.supportedFeatures).toEqual([metadataVersion, metadataLevel]);
    expect(older.finalizedFeatures).toHaveLength(4);
  });

  it("answers a newer version as version 0, with the list", async () => {
    const broker = await WholeBroker.start();
    // Key 18, version 99, correlation id 7, client id "x", and a body of unknown format.
    const frame = Uint8Array.of(0, 18, 0, 99, 0, 0, 0, 7, 0, 1, 120, 0, 222, 173, 190, 239);
    const answer = decodeResponse(ApiVersions, 0, (await broker.sendFrame(frame))!);
    expect(answer.correlationId).toBe(7);
    expect(answer.body.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(answer.body.apiKeys).toHaveLength(handlers.length);
  });

  it("sends a client away that means another broker or another cluster", async () => {
    const broker = await WholeBroker.start();
    const { clusterId, nodeId } = broker.metadata;
    const codeFor = async (meant: { clusterId?: string | null; nodeId?: number }, version = 5) => {
      const { errorCode, apiKeys } = await broker.call(ApiVersions, version, {
        ...software,
        ...meant,
      });
      expect(apiKeys.length > 0).toBe(errorCode === 0);
      return errorCode;
    };
    const { NONE, INVALID_REQUEST, REBOOTSTRAP_REQUIRED } = ErrorCode;
    expect(await codeFor({ clusterId, nodeId })).toBe(NONE);
    expect(await codeFor({})).toBe(NONE);
    expect(await codeFor({ clusterId: null, nodeId: -1 })).toBe(NONE);
    expect(await codeFor({ clusterId, nodeId: nodeId + 1 })).toBe(REBOOTSTRAP_REQUIRED);
    expect(await codeFor({ clusterId: "other", nodeId })).toBe(REBOOTSTRAP_REQUIRED);
    expect(await codeFor({ clusterId: "", nodeId })).toBe(REBOOTSTRAP_REQUIRED);
    // A client names both or neither.
    expect(await codeFor({ clusterId, nodeId: -1 })).toBe(INVALID_REQUEST);
    expect(await codeFor({ clusterId: null, nodeId })).toBe(INVALID_REQUEST);
    // Version 4 has no place for them.
    expect(await codeFor({ clusterId: "other", nodeId }, 4)).toBe(NONE);
  });

  it("refuses a client software name that KIP-511 does not allow", async () => {
    const broker = await WholeBroker.start();
    const bad = { ...software, clientSoftwareName: "-nope" };
    expect((await broker.call(ApiVersions, 3, bad)).errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });
});
