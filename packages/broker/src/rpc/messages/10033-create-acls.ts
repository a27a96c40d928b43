/**
 * CreateAcls, version 0: ACLs are created.
 *
 * - v0: baseline
 */
import { array } from "@tarpan/protocol";
import { acl, controllerApi, outcome } from "./controller.ts";

export const CreateAcls = controllerApi({
  key: 10_033,
  name: "CreateAcls",
  versions: "0",
  request: { acls: array(acl) },
  response: {
    /** One for each ACL, in their order. */
    results: array(outcome),
  },
});
