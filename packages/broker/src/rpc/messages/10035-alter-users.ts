/**
 * AlterUsers, version 0: SCRAM credentials of users are set and deleted.
 *
 * - v0: baseline
 */
import { array, bytes, i8, i32, string } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const AlterUsers = controllerApi({
  key: 10_035,
  name: "AlterUsers",
  versions: "0",
  request: {
    deletions: array({ name: string, mechanism: i8 }),
    upsertions: array({
      ...{ name: string, mechanism: i8, iterations: i32 },
      ...{ salt: bytes, saltedPassword: bytes },
    }),
  },
  response: {
    results: array({ user: string, ...outcome }),
  },
});
