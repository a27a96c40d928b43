import { ErrorCode, InitProducerId } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { initProducerId } from "../../src/handlers/22-init-producer-id.ts";
import { LogError } from "../../src/log/log-error.ts";
import { metadataBroker } from "./metadata-broker.ts";

const request = { transactionalId: null, transactionTimeoutMs: 60_000 };

describe("InitProducerId", () => {
  it("gives each producer an id of its own, at every version", async () => {
    const { call } = await metadataBroker();
    for (let version = 0; version <= 5; version++) {
      const answer = await call(InitProducerId, initProducerId, version, request);
      expect(answer).toMatchObject({ errorCode: 0, producerId: version, producerEpoch: 0 });
    }
  });

  it("refuses transactional ids and incomplete requests", async () => {
    const { call } = await metadataBroker();
    const code = async (more: object) => {
      return (await call(InitProducerId, initProducerId, 5, { ...request, ...more })).errorCode;
    };
    expect(await code({ transactionalId: "tx" })).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(await code({ transactionalId: "" })).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code({ producerId: 5 })).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code({ producerId: 5, producerEpoch: 1 })).toBe(0);
  });

  it("answers KAFKA_STORAGE_ERROR when the block of ids can't be stored", async () => {
    const { call, log } = await metadataBroker();
    log.append = () => Promise.reject(new LogError("offline", "I/O error"));
    const answer = await call(InitProducerId, initProducerId, 5, request);
    expect(answer.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });
});
