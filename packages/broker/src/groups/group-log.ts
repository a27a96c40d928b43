import { isLogged, type Logger } from "../logging/logger.ts";

/** A member of either protocol, as far as log lines name it. */
interface MemberFields {
  readonly memberId: string;
  readonly clientId: string;
  readonly clientHost: string;
}

/** A group's fields in a log line. */
interface GroupFields {
  readonly group: string;
  /** In the classic protocol. */
  readonly generation?: number;
  /** In the consumer protocol. */
  readonly epoch?: number;
}

/** A client's reason is cut to this many characters, as Kafka's clients do (KIP-800). */
const MAX_REASON_LENGTH = 255;

/**
 * Logs what happens in groups: members that join, leave or expire and rebalances at info,
 * heartbeats at debug. Each line names its request, because operators search a log for these names.
 * Members of the consumer protocol join and leave by heartbeats; their lines also say JoinGroup and
 * LeaveGroup. No message is built for a level that is off.
 */
export class GroupLog {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Levels may change while the broker runs. */
  get #info(): boolean {
    return isLogged(this.#logger, "info");
  }

  get #debug(): boolean {
    return isLogged(this.#logger, "debug");
  }

  joined(group: GroupFields, member: MemberFields, reason: string | null = null): void {
    if (!this.#info) return;
    const message = `JoinGroup: member ${member.memberId} joined group ${group.group}`;
    this.#logger.info(message, { ...group, ...fieldsOf(member), ...reasonField(reason) });
  }

  left(group: GroupFields, member: MemberFields, reason: string | null = null): void {
    if (!this.#info) return;
    const message = `LeaveGroup: member ${member.memberId} left group ${group.group}`;
    this.#logger.info(message, { ...group, ...fieldsOf(member), ...reasonField(reason) });
  }

  /** A member was removed because it did not send the request `missing` within `withinMs`. */
  expired(group: GroupFields, member: MemberFields, missing: string, withinMs: number): void {
    if (!this.#info) return;
    const { memberId } = member;
    const reason = `no ${missing} for ${withinMs} ms`;
    const message = `member ${memberId} of group ${group.group} has expired: ${reason}`;
    this.#logger.info(message, { ...group, ...fieldsOf(member), reason });
  }

  /** A rebalance begins: members join again, or get a new assignment in their heartbeats. */
  rebalances(group: GroupFields, members: number, reason: string): void {
    if (!this.#info) return;
    const by = group.epoch === undefined ? "JoinGroup" : "ConsumerGroupHeartbeat";
    const message = `rebalance of group ${group.group} by ${by}: ${reason}`;
    this.#logger.info(message, { ...group, members, reason });
  }

  /** The leader of a classic group has sent the assignments, or the group is empty. */
  rebalanced(
    group: GroupFields,
    members: number,
    leader: string | null,
    protocol: string | null,
  ): void {
    if (!this.#info) return;
    const message = `rebalance of group ${group.group} by JoinGroup is done, members: ${members}`;
    this.#logger.info(message, { ...group, members, leader, protocol });
  }

  heartbeat(group: string, memberId: string, generation: number, errorCode: number): void {
    if (!this.#debug) return;
    const message = `Heartbeat: member ${memberId} of group ${group}`;
    this.#logger.debug(message, { group, memberId, generation, errorCode });
  }
}

function fieldsOf({ memberId, clientId, clientHost }: MemberFields) {
  return { memberId, clientId, clientHost };
}

function reasonField(reason: string | null) {
  return reason === null ? {} : { reason: reason.slice(0, MAX_REASON_LENGTH) };
}
