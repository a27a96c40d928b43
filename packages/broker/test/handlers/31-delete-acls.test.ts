import { DeleteAcls, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

const filter = {
  ...{ resourceTypeFilter: 2, resourceNameFilter: "t", patternTypeFilter: 3 },
  ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
};

it("DeleteAcls refuses each filter: there is no authorizer", async () => {
  const broker = await WholeBroker.start();
  for (let version = 1; version <= 3; version++) {
    const { filterResults } = await broker.call(DeleteAcls, version, { filters: [filter] });
    expect(filterResults).toMatchObject([
      { errorCode: ErrorCode.SECURITY_DISABLED, matchingAcls: [] },
    ]);
    expect(filterResults[0]!.errorMessage).toContain("no authorizer");
  }
});
