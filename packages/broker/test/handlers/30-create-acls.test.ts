import { CreateAcls, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

const creation = {
  ...{ resourceType: 2, resourceName: "t", resourcePatternType: 3 },
  ...{ principal: "User:a", host: "*", operation: 3, permissionType: 3 },
};

it("CreateAcls refuses each creation: there is no authorizer", async () => {
  const broker = await WholeBroker.start();
  for (let version = 1; version <= 3; version++) {
    const { results } = await broker.call(CreateAcls, version, {
      creations: [creation, creation],
    });
    const { SECURITY_DISABLED } = ErrorCode;
    expect(results.map(({ errorCode }) => errorCode)).toEqual([
      SECURITY_DISABLED,
      SECURITY_DISABLED,
    ]);
    expect(results[0]!.errorMessage).toContain("no authorizer");
  }
});
