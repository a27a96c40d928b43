import { ErrorCode, SaslHandshake } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

it("SaslHandshake is out of place on a listener without SASL", async () => {
  const broker = await WholeBroker.start();
  for (const version of [0, 1]) {
    const answer = await broker.call(SaslHandshake, version, { mechanism: "PLAIN" });
    expect(answer).toEqual({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] });
  }
});
