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

/** A ConsumerGroupHeartbeat request and who sent it. */
export interface Heartbeat {
  readonly request: HeartbeatRequest;
  readonly version: number;
  readonly clientId: string;
  /** As Kafka writes addresses: "/127.0.0.1". */
  readonly clientHost: string;
}

/** From v1 members make their ids themselves (KIP-1082). */
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

/** What is wrong with a heartbeat whatever its group is like; null when nothing is. */
export function validateHeartbeat(
  { request, version }: Pick<Heartbeat, "request" | "version">,
  assignors: readonly string[],
): HeartbeatAnswer | null {
  const wrong = malformed(request, version);
  if (wrong !== null) return refused(ErrorCode.INVALID_REQUEST, wrong);
  const { serverAssignor } = request;
  if (serverAssignor === null) return null;
  const supported = supportedAssignors(assignors);
  if (supported.includes(serverAssignor)) return null;
  const why = `the assignors of this broker are ${supported.join(", ")}`;
  return refused(ErrorCode.UNSUPPORTED_ASSIGNOR, why);
}

function malformed(request: HeartbeatRequest, version: number): string | null {
  const { memberEpoch } = request;
  const needsId =
    version >= OWN_MEMBER_ID_VERSION || memberEpoch > 0 || memberEpoch === MemberEpoch.leave;
  if (needsId && request.memberId === "") return "memberId is empty";
  if (request.groupId === "") return "groupId is empty";
  if (request.instanceId === "") return "instanceId is empty";
  if (request.rackId === "") return "rackId is empty";
  if (memberEpoch === MemberEpoch.join) return malformedJoin(request);
  if (memberEpoch === MemberEpoch.leaveStatic && request.instanceId === null) {
    return "a static member that leaves names its instanceId";
  }
  return memberEpoch < MemberEpoch.leaveStatic ? "there is no such memberEpoch" : null;
}

function malformedJoin(request: HeartbeatRequest): string | null {
  if (request.rebalanceTimeoutMs === -1) return "a member that joins says its rebalanceTimeoutMs";
  if (request.topicPartitions === null || request.topicPartitions.length > 0) {
    return "a member that joins has no topicPartitions: an empty list";
  }
  const { subscribedTopicNames, subscribedTopicRegex } = request;
  if (subscribedTopicNames === null && subscribedTopicRegex === null) {
    return "a member that joins subscribes by names or by a pattern";
  }
  return null;
}
