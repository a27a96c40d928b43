/** An address of `advertised.listeners`: `PLAINTEXT://host:port`, IPv6 hosts in brackets. */
export interface ListenerAddress {
  readonly host: string;
  readonly port: number;
}

const LISTENER = /^[A-Za-z0-9_]+:\/\/(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/;

/** The first address of the list; null when it is none. */
export function firstListener(list: string): ListenerAddress | null {
  const match = LISTENER.exec(list.split(",", 1)[0]!.trim());
  if (match === null) return null;
  const port = Number(match[3]);
  return port > 0 && port < 65_536 ? { host: (match[1] ?? match[2])!, port } : null;
}

export function listenerProblem(list: string): string | null {
  return firstListener(list) === null ? "must be like PLAINTEXT://host:port" : null;
}
