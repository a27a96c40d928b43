import { ErrorCode, InitProducerId } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { MemoryFiles } from "../env/memory-files.ts";
import { WholeBroker } from "./whole-broker.ts";

const request = { transactionalId: null, transactionTimeoutMs: 60_000 };

describe("InitProducerId", () => {
  it("gives each producer an id of its own, at every version", async () => {
    const broker = await WholeBroker.start();
    for (let version = 0; version <= 5; version++) {
      const answer = await broker.call(InitProducerId, version, request);
      expect(answer).toMatchObject({ errorCode: 0, producerId: version, producerEpoch: 0 });
    }
  });

  it("refuses transactional ids and incomplete requests", async () => {
    const broker = await WholeBroker.start();
    const code = async (more: object) => {
      return (await broker.call(InitProducerId, 5, { ...request, ...more })).errorCode;
    };
    expect(await code({ transactionalId: "tx" })).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(await code({ transactionalId: "" })).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code({ producerId: 5 })).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code({ producerId: 5, producerEpoch: 1 })).toBe(0);
  });

  it("answers KAFKA_STORAGE_ERROR when the block of ids can't be stored", async () => {
    const files = new MemoryFiles();
    const broker = await WholeBroker.startWith({ files });
    files.fault = (operation) => {
      if (operation === "write") throw new Error("I/O error");
    };
    const answer = await broker.call(InitProducerId, 5, request);
    expect(answer.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });
});
