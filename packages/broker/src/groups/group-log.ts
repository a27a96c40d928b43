import { isLogged, type Logger } from "../logging/logger.ts";

/** A member as the log names it, in either protocol. */
interface Named {
  readonly memberId: string;
  readonly clientId: string;
  readonly clientHost: string;
}

/** A group as the log names it. */
interface Of {
  readonly group: string;
  /** Of the classic protocol. */
  readonly generation?: number;
  /** Of the consumer protocol. */
  readonly epoch?: number;
}

/** Characters of a reason that a client gave; Kafka's clients cut theirs there as well. */
const MAX_REASON_LENGTH = 255;

/**
 * What an operator reads of the groups: who joins, leaves or expires and each rebalance at info,
 * heartbeats at debug. The lines name the requests they are about, for these are what people search
 * a log for. Kafka's consumer protocol joins and leaves by heartbeats; the words are the same
 * there. Nothing is put together for a level that is off.
 */
export class GroupLog {
  readonly #logger: Logger;
  readonly #info: boolean;
  readonly #debug: boolean;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#debug = isLogged(logger, "debug");
    this.#info = isLogged(logger, "info");
  }

  joined(of: Of, member: Named, reason: string | null = null): void {
    if (!this.#info) return;
    const message = `JoinGroup: member ${member.memberId} joined group ${of.group}`;
    this.#logger.info(message, { ...of, ...named(member), ...why(reason) });
  }

  left(of: Of, member: Named, reason: string | null = null): void {
    if (!this.#info) return;
    const message = `LeaveGroup: member ${member.memberId} left group ${of.group}`;
    this.#logger.info(message, { ...of, ...named(member), ...why(reason) });
  }

  /** A member was removed for want of a request of that name. */
  expired(of: Of, member: Named, missing: string, withinMs: number): void {
    if (!this.#info) return;
    const { memberId } = member;
    const reason = `no ${missing} for ${withinMs} ms`;
    const message = `member ${memberId} of group ${of.group} has expired: ${reason}`;
    this.#logger.info(message, { ...of, ...named(member), reason });
  }

  /** Members are to join again, or to learn of a new assignment by their heartbeats. */
  rebalances(of: Of, members: number, reason: string): void {
    if (!this.#info) return;
    const by = of.epoch === undefined ? "JoinGroup" : "ConsumerGroupHeartbeat";
    const message = `rebalance of group ${of.group} by ${by}: ${reason}`;
    this.#logger.info(message, { ...of, members, reason });
  }

  /** The leader of a classic group has assigned, or nobody is left. */
  rebalanced(of: Of, members: number, leader: string | null, protocol: string | null): void {
    if (!this.#info) return;
    const message = `rebalance of group ${of.group} by JoinGroup is done, members: ${members}`;
    this.#logger.info(message, { ...of, members, leader, protocol });
  }

  heartbeat(group: string, memberId: string, generation: number, errorCode: number): void {
    if (!this.#debug) return;
    const message = `Heartbeat: member ${memberId} of group ${group}`;
    this.#logger.debug(message, { group, memberId, generation, errorCode });
  }
}

function named({ memberId, clientId, clientHost }: Named) {
  return { memberId, clientId, clientHost };
}

function why(reason: string | null) {
  return reason === null ? {} : { reason: reason.slice(0, MAX_REASON_LENGTH) };
}
