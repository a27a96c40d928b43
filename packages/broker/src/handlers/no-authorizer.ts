import { ErrorCode } from "@tarpan/protocol";

/** What the ACL APIs answer while everybody may do everything, as Kafka without an authorizer. */
export const NO_AUTHORIZER = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: "this broker has no authorizer: there are no ACLs, and none are checked",
} as const;
