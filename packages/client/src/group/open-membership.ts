import type { Client } from "../connection/client.ts";
import type { CoordinatorLink } from "../connection/coordinator-link.ts";
import {
  HEARTBEAT_INTERVAL_MS,
  MAX_POLL_INTERVAL_MS,
  METADATA_MAX_AGE_MS,
  SESSION_TIMEOUT_MS,
} from "../limits.ts";
import { assignorsOf } from "./assignors/index.ts";
import { ClassicMembership } from "./classic-membership.ts";
import { ConsumerMembership } from "./consumer-membership.ts";
import type { GroupConsumerOptions } from "./group-consumer-options.ts";
import { GroupLeader } from "./leader.ts";
import type { Membership } from "./membership.ts";
import { TopicNames } from "./topic-names.ts";

/** The membership in the protocol that the options name: the only place that asks for it. */
export function openMembership(
  client: Client,
  link: CoordinatorLink,
  options: GroupConsumerOptions,
  changed: () => void,
): Membership {
  const groupInstanceId = options.groupInstanceId ?? null;
  const maxPollIntervalMs = options.maxPollIntervalMs ?? MAX_POLL_INTERVAL_MS;
  if (options.groupProtocol === "consumer") {
    const remoteAssignor = options.groupRemoteAssignor ?? null;
    const own = { groupInstanceId, maxPollIntervalMs, remoteAssignor };
    return new ConsumerMembership(link, new TopicNames(client), own, changed);
  }
  const own = {
    groupInstanceId,
    maxPollIntervalMs,
    assignors: assignorsOf(options.assignors ?? ["cooperative-sticky"]),
    sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS,
    metadataMaxAgeMs: options.metadataMaxAgeMs ?? METADATA_MAX_AGE_MS,
  };
  return new ClassicMembership(link, new GroupLeader(client), own, changed);
}
