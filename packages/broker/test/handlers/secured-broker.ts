import { STANDARD_AUTHORIZER } from "../../src/config/kafka/authorizer-configs.ts";
import { acl } from "../security/acls.ts";
import { WholeBroker } from "./whole-broker.ts";

export const ACLS_ON = {
  "authorizer.class.name": STANDARD_AUTHORIZER,
  "super.users": "User:admin",
};

/** A broker with ACLs, as `acl` reads them. Its client is User:a; User:admin may do everything. */
export async function securedBroker(
  acls: readonly string[],
  configs: Record<string, string> = {},
): Promise<WholeBroker> {
  const broker = await WholeBroker.start({ ...ACLS_ON, ...configs });
  await allow(broker, ...acls);
  return broker.as("User:a");
}

/** Creates further ACLs. */
export async function allow(broker: WholeBroker, ...acls: readonly string[]): Promise<void> {
  await broker.metadata.controller.createAcls({ acls: acls.map(acl) });
}
