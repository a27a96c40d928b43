/**
 * DeleteAcls, version 0: all ACLs that match one of the filters are deleted.
 *
 * - v0: baseline
 */
import { array, string } from "@tarpan/protocol";
import { acl, controllerApi, outcome } from "./controller.ts";

export const DeleteAcls = controllerApi({
  key: 10_034,
  name: "DeleteAcls",
  versions: "0",
  request: {
    /** Null matches every value. */
    filters: array({
      ...acl,
      resourceName: string.nullable(),
      principal: string.nullable(),
      host: string.nullable(),
    }),
  },
  response: {
    /** One for each filter, in their order. */
    results: array({ ...outcome, acls: array(acl) }),
  },
});
