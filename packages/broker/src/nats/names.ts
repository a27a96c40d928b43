// What a managed nats-server is called, and which broker runs it. The name also is its identity in
// the Raft groups: it must be the same at every start.

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
