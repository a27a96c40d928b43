import { DescribeAcls, DescribeClientQuotas, DescribeUserScramCredentials } from "@tarpan/protocol";
import { expect } from "vitest";
import type { ClusterNode } from "../harness/cluster-node.ts";
import { RawConnection } from "../harness/raw-connection.ts";

const ANY = 1;
const EVERY_ACL = {
  ...{ resourceTypeFilter: ANY, patternTypeFilter: ANY, operation: ANY, permissionType: ANY },
  ...{ resourceNameFilter: null, principalFilter: null, hostFilter: null },
};
/** A broker that has just come back reads the last records of the metadata. */
const SETTLE_LIMIT_MS = 10_000;

/** What one broker believes, each fact as a line. */
async function believedBy({ broker, nodeId }: ClusterNode): Promise<string[]> {
  const connection = await RawConnection.open(broker.port, broker.host);
  const { resources } = await connection.request(DescribeAcls, 3, EVERY_ACL);
  const users = await connection.request(DescribeUserScramCredentials, 0, { users: null });
  const quotas = await connection.request(DescribeClientQuotas, 1, {
    components: [],
    strict: false,
  });
  connection.close();
  const codes = [users.errorCode, quotas.errorCode];
  expect(codes, `answers of broker ${nodeId}`).toEqual([0, 0]);
  return [
    ...resources.flatMap(({ acls, ...of }) => acls.map((acl) => ({ ...of, ...acl }))),
    ...users.results,
    ...quotas.entries!,
  ]
    .map((fact) => JSON.stringify(fact))
    .sort();
}

/** Resolves when all brokers know the same ACLs, users and quotas; rejects if they do not. */
export async function expectAgreement(nodes: readonly ClusterNode[]): Promise<string[]> {
  const all = async () => {
    const beliefs = await Promise.all(nodes.map(believedBy));
    for (const belief of beliefs) expect(belief).toEqual(beliefs[0]);
    return beliefs[0]!;
  };
  await expect.poll(() => all().then(() => "agree"), { timeout: SETTLE_LIMIT_MS }).toBe("agree");
  return all();
}
