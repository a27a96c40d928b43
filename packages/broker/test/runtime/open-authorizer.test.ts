import { expect, it } from "vitest";
import { STANDARD_AUTHORIZER } from "../../src/config/kafka/authorizer-configs.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";
import { recordingLogger } from "../nats/own-engine.ts";

const ACLS_ON = { "authorizer.class.name": STANDARD_AUTHORIZER };

async function linesWith(configs: Record<string, string>): Promise<string[]> {
  const logger = recordingLogger();
  const broker = await WholeBroker.startWith({ configs, logger });
  await broker.stop();
  return logger.lines.filter((line) => line.includes("ACL"));
}

it("a broker says that ACLs are on, and warns when nobody could create one", async () => {
  const lonely = await linesWith(ACLS_ON);
  expect(lonely.some((line) => line.includes("super.users is empty"))).toBe(true);
  expect(lonely.some((line) => line.includes("ACLs are on: there are 0"))).toBe(true);
  for (const more of [{ "super.users": "User:a" }, { "allow.everyone.if.no.acl.found": "true" }]) {
    const lines = await linesWith({ ...ACLS_ON, ...more });
    expect(lines.length).toBe(1);
  }
  expect(await linesWith({})).toEqual([]);
});
