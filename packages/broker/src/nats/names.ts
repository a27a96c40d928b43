// The names of managed nats-servers. A name says which broker runs the server. It also is the
// server's identity in the Raft groups, so it must be the same at every start.

import { createHash } from "node:crypto";

const SERVER_NAME = /^tarpan-(\d+)$/;

export function serverNameOf(brokerId: number): string {
  return `tarpan-${brokerId}`;
}

/** Null for a server that no broker runs. */
export function brokerIdOf(serverName: string): number | null {
  const digits = SERVER_NAME.exec(serverName)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** The tag that places streams on this broker's server or, with `!` before it, keeps them off. */
export function serverTagOf(brokerId: number): string {
  return `tarpan-broker-${brokerId}`;
}

const RAFT_ID_LENGTH = 8;
const RAFT_ID_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A server's id in the Raft groups, computed from its name as in nats-server (`getHash`). */
export function raftIdOf(serverName: string): string {
  const hash = createHash("sha256").update(serverName).digest().subarray(0, RAFT_ID_LENGTH);
  return Array.from(hash, (byte) => RAFT_ID_DIGITS[byte % RAFT_ID_DIGITS.length]).join("");
}
