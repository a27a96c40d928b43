import { AlterUserScramCredentials, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { scramCredentialOf } from "../../src/metadata/image.ts";
import { NOBODY, scramKeys } from "../../src/security/scram.ts";
import { MECHANISM, upsertion } from "../sasl/sasl-client.ts";
import { WholeBroker } from "./whole-broker.ts";

const SHA256 = "SCRAM-SHA-256";

it("AlterUserScramCredentials has one outcome for each user, as in Kafka", async () => {
  const broker = await WholeBroker.start();
  const first = upsertion(SHA256, "a", "x");
  const created = { deletions: [], upsertions: [first] };
  expect((await broker.call(AlterUserScramCredentials, 0, created)).results).toEqual([
    { user: "a", errorCode: ErrorCode.NONE, errorMessage: null },
  ]);
  // The salted password itself is not kept.
  expect(scramCredentialOf(broker.metadata.image, SHA256, "a")).toEqual({
    ...scramKeys(SHA256, first.saltedPassword),
    ...{ iterations: 4_096, salt: Uint8Array.from(first.salt) },
  });
  const { results } = await broker.call(AlterUserScramCredentials, 0, {
    deletions: [
      { name: "a", mechanism: MECHANISM[SHA256] },
      { name: "nobody", mechanism: 1 },
      { name: "b", mechanism: 9 },
    ],
    upsertions: [
      upsertion(SHA256, "few", "x", 4_095),
      upsertion(SHA256, "many", "x", 16_385),
      upsertion(SHA256, "twice", "x"),
      upsertion("SCRAM-SHA-512", "twice", "x"),
      upsertion("SCRAM-SHA-512", "", "x"),
    ],
  });
  expect(Object.fromEntries(results.map((r) => [r.user, r.errorCode]))).toEqual({
    a: ErrorCode.NONE,
    nobody: ErrorCode.RESOURCE_NOT_FOUND,
    b: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
    few: ErrorCode.UNACCEPTABLE_CREDENTIAL,
    many: ErrorCode.UNACCEPTABLE_CREDENTIAL,
    twice: ErrorCode.DUPLICATE_RESOURCE,
    "": ErrorCode.UNACCEPTABLE_CREDENTIAL,
  });
  // From this one the credentials of users who do not exist are made up.
  expect([...broker.metadata.image.users.keys()]).toEqual([NOBODY]);
});

it("the first user brings a secret for users who do not exist, once", async () => {
  const broker = await WholeBroker.start();
  const alter = async (name: string, mechanism: typeof SHA256 | "SCRAM-SHA-512") => {
    const upsertions = [upsertion(mechanism, name, "x", 5_000)];
    await broker.call(AlterUserScramCredentials, 0, { deletions: [], upsertions });
    return broker.metadata.image.users.get(NOBODY);
  };
  const made = await alter("a", "SCRAM-SHA-512");
  expect([...made!.keys()]).toEqual(["SCRAM-SHA-512"]);
  expect(made!.get("SCRAM-SHA-512")!.iterations).toBe(5_000);
  expect(await alter("b", SHA256)).toBe(made);
});
