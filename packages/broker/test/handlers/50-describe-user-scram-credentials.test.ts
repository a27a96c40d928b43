import {
  AlterUserScramCredentials,
  DescribeUserScramCredentials,
  ErrorCode,
} from "@tarpan/protocol";
import { expect, it } from "vitest";
import { upsertion } from "../sasl/sasl-client.ts";
import { WholeBroker } from "./whole-broker.ts";

it("DescribeUserScramCredentials tells mechanisms and iterations of users", async () => {
  const broker = await WholeBroker.start();
  for (const mechanism of ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const) {
    const request = { deletions: [], upsertions: [upsertion(mechanism, "a", "x", 5_000)] };
    await broker.call(AlterUserScramCredentials, 0, request);
  }
  const infos = [
    { mechanism: 1, iterations: 5_000 },
    { mechanism: 2, iterations: 5_000 },
  ];
  for (const users of [null, []]) {
    const all = await broker.call(DescribeUserScramCredentials, 0, { users });
    expect(all.results).toMatchObject([{ user: "a", errorCode: 0, credentialInfos: infos }]);
  }
  const some = await broker.call(DescribeUserScramCredentials, 0, {
    users: [{ name: "a" }, { name: "nobody" }, { name: "" }, { name: "c" }, { name: "c" }],
  });
  expect(some.results.map(({ user, errorCode }) => [user, errorCode])).toEqual([
    ["a", ErrorCode.NONE],
    ["nobody", ErrorCode.RESOURCE_NOT_FOUND],
    ["", ErrorCode.RESOURCE_NOT_FOUND],
    ["c", ErrorCode.DUPLICATE_RESOURCE],
  ]);
  // With quadratic work the broker would stand still for a minute.
  const users = Array.from({ length: 100_000 }, (_, i) => ({ name: `user-${i}` }));
  const many = await broker.call(DescribeUserScramCredentials, 0, { users });
  expect(many.results).toHaveLength(users.length);
});
