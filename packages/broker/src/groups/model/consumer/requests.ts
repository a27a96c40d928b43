import {
  type ConsumerGroupHeartbeat,
  ErrorCode,
  errorOf,
  type RequestOf,
  type ResponseInput,
} from "@tarpan/protocol";
import { supportedAssignors } from "../assignors/index.ts";
import { MemberEpoch } from "./member.ts";

export type HeartbeatRequest = RequestOf<typeof ConsumerGroupHeartbeat>;
export type HeartbeatAnswer = ResponseInput<typeof ConsumerGroupHeartbeat>;

/** A ConsumerGroupHeartbeat request and its sender. */
export interface MemberHeartbeat {
  readonly request: HeartbeatRequest;
  readonly version: number;
  readonly clientId: string;
  /** As Kafka writes addresses: "/127.0.0.1". */
  readonly clientHost: string;
  /** Which topics the member may know of; left out without ACLs. */
  readonly mayDescribe?: MayDescribe;
}

export type MayDescribe = (topic: string) => boolean;

/** From v1 a member generates its own id (KIP-1082). */
const OWN_MEMBER_ID_VERSION = 1;

export function refused(
  errorCode: number,
  errorMessage = errorOf(errorCode).message,
): HeartbeatAnswer {
  return { errorCode, errorMessage, memberEpoch: 0, heartbeatIntervalMs: 0 };
}

export function noSuchGroup(groupId: string): HeartbeatAnswer {
  return refused(ErrorCode.GROUP_ID_NOT_FOUND, `there is no consumer group ${groupId}`);
}

/** The refusal of a heartbeat that is invalid for any group; null when it is valid. */
export function validateHeartbeat(
  { request, version }: Pick<MemberHeartbeat, "request" | "version">,
  assignors: readonly string[],
): HeartbeatAnswer | null {
  const problem = problemOf(request, version);
  if (problem !== null) return refused(ErrorCode.INVALID_REQUEST, problem);
  const { serverAssignor } = request;
  if (serverAssignor === null) return null;
  const supported = supportedAssignors(assignors);
  if (supported.includes(serverAssignor)) return null;
  const why = `assignor ${serverAssignor} is unknown: this broker has ${supported.join(", ")}`;
  return refused(ErrorCode.UNSUPPORTED_ASSIGNOR, why);
}

function problemOf(request: HeartbeatRequest, version: number): string | null {
  const { memberEpoch } = request;
  const needsId =
    version >= OWN_MEMBER_ID_VERSION || memberEpoch > 0 || memberEpoch === MemberEpoch.leave;
  if (needsId && request.memberId === "") return "memberId is empty";
  if (request.groupId === "") return "groupId is empty";
  if (request.instanceId === "") return "instanceId is empty";
  if (request.rackId === "") return "rackId is empty";
  if (memberEpoch === MemberEpoch.join) return problemOfJoin(request);
  if (memberEpoch === MemberEpoch.leaveStatic && request.instanceId === null) {
    return "a static member that leaves must send its instanceId";
  }
  const isKnown = memberEpoch >= MemberEpoch.leaveStatic;
  return isKnown ? null : `memberEpoch ${memberEpoch} is invalid: the lowest is -2`;
}

function problemOfJoin(request: HeartbeatRequest): string | null {
  if (request.rebalanceTimeoutMs === -1) return "a member that joins must send rebalanceTimeoutMs";
  if (request.topicPartitions === null || request.topicPartitions.length > 0) {
    return "a member that joins must send topicPartitions as an empty list";
  }
  const { subscribedTopicNames, subscribedTopicRegex } = request;
  if (subscribedTopicNames === null && subscribedTopicRegex === null) {
    return "a member that joins must send subscribedTopicNames or subscribedTopicRegex";
  }
  return null;
}
