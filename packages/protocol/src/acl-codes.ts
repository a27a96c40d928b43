// Kafka's numbers in ACLs: requests, responses and metadata records have the same ones. 0 is
// Kafka's UNKNOWN, which nobody sends.

/** `any` is for filters only. */
export const AclResourceType = {
  any: 1,
  topic: 2,
  group: 3,
  cluster: 4,
  transactionalId: 5,
  delegationToken: 6,
  user: 7,
} as const;

/**
 * How an ACL's resource name names resources. `any` and `match` are for filters only: `match` finds
 * all ACLs that apply to a resource, `any` compares names without regard to the pattern type.
 */
export const AclPatternType = { any: 1, match: 2, literal: 3, prefixed: 4 } as const;

/** `any` is for filters only. Also the bits of an authorizedOperations field (KIP-430). */
export const AclOperation = {
  any: 1,
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
  createTokens: 13,
  describeTokens: 14,
  twoPhaseCommit: 15,
} as const;

/** `any` is for filters only. */
export const AclPermissionType = { any: 1, deny: 2, allow: 3 } as const;
