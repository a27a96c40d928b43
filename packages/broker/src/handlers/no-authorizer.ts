import { ErrorCode } from "@tarpan/protocol";

/** The answer of the ACL APIs, as in Kafka without an authorizer: clients may do everything. */
export const NO_AUTHORIZER = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: "this broker has no authorizer: there are no ACLs, and none are checked",
} as const;
