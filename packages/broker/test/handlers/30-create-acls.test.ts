import { CreateAcls, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { createAcls } from "../../src/handlers/30-create-acls.ts";
import { metadataBroker } from "./metadata-broker.ts";

const creation = {
  ...{ resourceType: 2, resourceName: "t", resourcePatternType: 3 },
  ...{ principal: "User:a", host: "*", operation: 3, permissionType: 3 },
};

it("CreateAcls refuses each creation: there is no authorizer", async () => {
  const { call } = await metadataBroker();
  for (let version = 1; version <= 3; version++) {
    const { results } = await call(CreateAcls, createAcls, version, {
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
