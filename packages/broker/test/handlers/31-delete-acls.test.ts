import { DeleteAcls, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { deleteAcls } from "../../src/handlers/31-delete-acls.ts";
import { metadataBroker } from "./metadata-broker.ts";

const filter = {
  ...{ resourceTypeFilter: 2, resourceNameFilter: "t", patternTypeFilter: 3 },
  ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
};

it("DeleteAcls refuses each filter: there is no authorizer", async () => {
  const { call } = await metadataBroker();
  for (let version = 1; version <= 3; version++) {
    const { filterResults } = await call(DeleteAcls, deleteAcls, version, { filters: [filter] });
    expect(filterResults).toMatchObject([
      { errorCode: ErrorCode.SECURITY_DISABLED, matchingAcls: [] },
    ]);
    expect(filterResults[0]!.errorMessage).toContain("no authorizer");
  }
});
