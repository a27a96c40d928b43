// What a managed nats-server is called, and which broker runs it. The name also is its identity in
// the Raft groups: it must be the same at every start.

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

/** The tag by which streams are placed on that broker's server, or kept off it with `!` before. */
export function serverTagOf(brokerId: number): string {
  return `tarpan-broker-${brokerId}`;
}

const RAFT_ID_LENGTH = 8;
const RAFT_ID_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A server's id in the Raft groups, made of its name as nats-server does (`getHash`). */
export function raftIdOf(serverName: string): string {
  const hash = createHash("sha256").update(serverName).digest().subarray(0, RAFT_ID_LENGTH);
  return Array.from(hash, (byte) => RAFT_ID_DIGITS[byte % RAFT_ID_DIGITS.length]).join("");
}
