import { ErrorCode, SaslAuthenticate } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

it("SaslAuthenticate is out of place on a listener without SASL", async () => {
  const broker = await WholeBroker.start();
  for (let version = 0; version <= 2; version++) {
    const answer = await broker.call(SaslAuthenticate, version, { authBytes: Buffer.from("x") });
    expect(answer).toMatchObject({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, sessionLifetimeMs: 0 });
    expect(answer.errorMessage).toContain("received after successful authentication");
  }
});
