import { DescribeAcls, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

const filter = {
  ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
  ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
};

it("DescribeAcls answers SECURITY_DISABLED: there is no authorizer", async () => {
  const broker = await WholeBroker.start();
  for (let version = 1; version <= 3; version++) {
    const answer = await broker.call(DescribeAcls, version, filter);
    expect(answer).toMatchObject({ errorCode: ErrorCode.SECURITY_DISABLED, resources: [] });
    expect(answer.errorMessage).toContain("no authorizer");
  }
});
