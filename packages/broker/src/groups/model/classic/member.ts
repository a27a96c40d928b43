import type { JoinGroup, ResponseInput, SyncGroup } from "@tarpan/protocol";
import type { Reply } from "../../../coordinator/turn.ts";
import type { Session } from "../group.ts";
import type { ClassicSessionTimer } from "../timers.ts";

export type JoinAnswer = ResponseInput<typeof JoinGroup>;
export type SyncAnswer = ResponseInput<typeof SyncGroup>;

/** An assignor that a member supports, with the member's subscription for that assignor. */
export interface Protocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

/** A member as its last JoinGroup describes it, and its requests that wait for an answer. */
export interface ClassicMember extends Session {
  readonly memberId: string;
  /** Set for a static member (KIP-345). */
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  readonly session: ClassicSessionTimer;
  /** In the member's order of preference; no name twice. */
  protocols: readonly Protocol[];
  /** Its first join is not answered: it can't send heartbeats, because it has no generation yet. */
  isNew: boolean;
  join: Reply<JoinAnswer> | null;
  sync: Reply<SyncAnswer> | null;
}

export function metadataOf(member: ClassicMember, protocol: string): Uint8Array | undefined {
  return member.protocols.find(({ name }) => name === protocol)?.metadata;
}

/** Copies the protocols, without duplicates: the first of each name counts. */
export function ownProtocols(offered: readonly Protocol[]): Protocol[] {
  const byName = new Map<string, Protocol>();
  for (const { name, metadata } of offered) {
    if (!byName.has(name)) byName.set(name, { name, metadata: ownBytes(metadata) });
  }
  return [...byName.values()];
}

/** The order counts: it is the member's preference. */
export function offersSame(member: ClassicMember, offered: readonly Protocol[]): boolean {
  const { protocols } = member;
  return (
    protocols.length === offered.length &&
    protocols.every(({ name, metadata }, i) => {
      return name === offered[i]!.name && sameBytes(metadata, offered[i]!.metadata);
    })
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Copies a view into a frame: a view that is kept would keep the whole frame in memory. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
