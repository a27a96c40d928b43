import { DescribeAcls, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { describeAcls } from "../../src/handlers/29-describe-acls.ts";
import { metadataBroker } from "./metadata-broker.ts";

const filter = {
  ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
  ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
};

it("DescribeAcls answers SECURITY_DISABLED: there is no authorizer", async () => {
  const { call } = await metadataBroker();
  for (let version = 1; version <= 3; version++) {
    const answer = await call(DescribeAcls, describeAcls, version, filter);
    expect(answer).toMatchObject({ errorCode: ErrorCode.SECURITY_DISABLED, resources: [] });
    expect(answer.errorMessage).toContain("no authorizer");
  }
});
