import type { Logger } from "../logging/logger.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { type Authorizer, allowAll } from "../security/authorizer.ts";
import { StandardAuthorizer } from "../security/standard-authorizer.ts";

/** The authorizer that the configs ask for. It follows the ACLs in the metadata. */
export function openAuthorizer(metadata: Metadata, logger: Logger): Authorizer {
  const config = metadata.brokerConfig();
  if (config.authorizerClassName === "") return allowAll;
  const { superUsers, allowEveryoneIfNoAclFound: allowEveryoneIfNoAcl } = config;
  if (superUsers.length === 0 && !allowEveryoneIfNoAcl) {
    logger.warn(
      "ACLs are on and super.users is empty: only clients that an existing ACL allows something " +
        "can use this broker, and if none may alter the cluster, nobody can create an ACL",
    );
  }
  const count = metadata.image.acls.size;
  logger.info(`ACLs are on: there are ${count}`, { superUsers, allowEveryoneIfNoAcl });
  const authorizer = new StandardAuthorizer({ superUsers, allowEveryoneIfNoAcl });
  for (const acl of metadata.image.acls.values()) authorizer.add(acl);
  metadata.onChange(({ acls }) => {
    for (const { before, now } of acls) {
      if (before !== null) authorizer.remove(before);
      if (now !== null) authorizer.add(now);
    }
  });
  return authorizer;
}
