// The two protocols of groups, and what tests set so that they need not wait.
import type { GroupConsumerOptions } from "../../src/index.ts";

export const PROTOCOLS = ["classic", "consumer"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** A broker's configs for groups of the consumer protocol, whose members can't set these. */
export const CONSUMER_CONFIGS = {
  "group.consumer.min.heartbeat.interval.ms": 20,
  "group.consumer.heartbeat.interval.ms": 50,
  "group.consumer.min.session.timeout.ms": 300,
  "group.consumer.session.timeout.ms": 1_000,
} as const;

/** A consumer's options for the protocol. */
export const OPTIONS_OF: Readonly<Record<Protocol, Partial<GroupConsumerOptions>>> = {
  classic: { heartbeatIntervalMs: 50, sessionTimeoutMs: 6_000 },
  consumer: { groupProtocol: "consumer" },
};
