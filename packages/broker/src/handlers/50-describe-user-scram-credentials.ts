import {
  DescribeUserScramCredentials,
  ErrorCode,
  type RequestOf,
  type ResponseInput,
} from "@tarpan/protocol";
import type { ScramUser } from "../metadata/image.ts";
import { DONE, refused } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { NOBODY, SCRAM_MECHANISMS } from "../security/scram.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * DescribeUserScramCredentials: v0, flexible (KIP-554). Tells mechanisms and iterations, never a
 * salt or a key. All users for a request without names.
 */
export const describeUserScramCredentials = handler({
  api: DescribeUserScramCredentials,
  versions: "0",
  authorize: [onCluster("describe")],
  handle,
  failure: (_request, errorCode) => ({ ...refused(errorCode), results: [] }),
});

type Request = RequestOf<typeof DescribeUserScramCredentials>;
type Response = ResponseInput<typeof DescribeUserScramCredentials>;

function handle({ users }: Request, { services }: RequestContext): Response {
  const known = services.metadata.image.users;
  const counts = new Map<string, number>();
  for (const { name } of users ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
  const all = () => [...known.keys()].filter((name) => name !== NOBODY).sort();
  const names = counts.size === 0 ? all() : [...counts.keys()];
  const results = names.map((user) => {
    if ((counts.get(user) ?? 1) > 1) {
      const text = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`;
      return { user, ...refused(ErrorCode.DUPLICATE_RESOURCE, text), credentialInfos: [] };
    }
    const credentials = user === NOBODY ? undefined : known.get(user);
    if (credentials !== undefined) return { user, ...DONE, credentialInfos: infos(credentials) };
    const text = `Attempt to describe a user credential that does not exist: ${user}`;
    return { user, ...refused(ErrorCode.RESOURCE_NOT_FOUND, text), credentialInfos: [] };
  });
  return { ...DONE, results };
}

function infos(credentials: ScramUser) {
  return [...credentials].map(([mechanism, { iterations }]) => {
    return { mechanism: SCRAM_MECHANISMS[mechanism].type, iterations };
  });
}
