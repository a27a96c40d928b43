import { ErrorCode } from "@tarpan/protocol";
import { KafkaError } from "../util/kafka-error.ts";

/** The answer of the ACL APIs, as in Kafka without an authorizer: clients may do everything. */
export const NO_AUTHORIZER = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: "this broker has no authorizer: there are no ACLs, and none are checked",
} as const;

/** Kafka's number of UNKNOWN: its clients refuse to send it. */
const UNKNOWN = 0;

/** Throws KafkaError for the whole request if a number is Kafka's UNKNOWN. */
export function refuseUnknown(
  resourceType: number,
  patternType: number,
  { operation, permissionType }: { readonly operation: number; readonly permissionType: number },
): void {
  if (![resourceType, patternType, operation, permissionType].includes(UNKNOWN)) return;
  throw new KafkaError(ErrorCode.INVALID_REQUEST);
}
