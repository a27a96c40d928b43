/**
 * Session time-out and heartbeat interval: the broker's configs, or those of the group (KIP-848).
 */
import { configsOf, ResourceType } from "../../../config/kafka/set-configs.ts";
import type { GroupTurn } from "../../turn.ts";

type Context = Pick<GroupTurn, "image" | "config">;

export function sessionTimeoutMs(context: Context, groupId: string): number {
  const { config } = context;
  const own = ownNumber(context, groupId, "consumer.session.timeout.ms");
  if (own === null) return config.groupConsumerSessionTimeoutMs;
  return within(
    own,
    config.groupConsumerMinSessionTimeoutMs,
    config.groupConsumerMaxSessionTimeoutMs,
  );
}

export function heartbeatIntervalMs(context: Context, groupId: string): number {
  const { config } = context;
  const own = ownNumber(context, groupId, "consumer.heartbeat.interval.ms");
  if (own === null) return config.groupConsumerHeartbeatIntervalMs;
  const { groupConsumerMinHeartbeatIntervalMs: min, groupConsumerMaxHeartbeatIntervalMs: max } =
    config;
  return within(own, min, max);
}

function ownNumber({ image }: Context, groupId: string, name: string): number | null {
  const text = configsOf(image, ResourceType.group, groupId).get(name);
  return text === undefined ? null : Number(text);
}

/** The broker's bounds may have changed since the group's config was set. */
function within(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
