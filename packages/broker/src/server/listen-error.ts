const REASONS: Record<string, { code: string; text: string }> = {
  EADDRINUSE: {
    code: "TARPAN_PORT_IN_USE",
    text: "the port is in use; stop the program that listens there, or choose another port",
  },
  EACCES: {
    code: "TARPAN_PORT_FORBIDDEN",
    text: "permission denied; choose a port of 1024 or above",
  },
  EADDRNOTAVAIL: {
    code: "TARPAN_ADDRESS_UNAVAILABLE",
    text: "this machine has no such address; choose one it has",
  },
  ENOTFOUND: {
    code: "TARPAN_ADDRESS_UNAVAILABLE",
    text: "the name is unknown; choose an address of this machine",
  },
};

/** The broker can't listen on its address. The message is one line: where, why, and what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code: string;

  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    const reason = REASONS[cause.code ?? ""];
    const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    super(`cannot listen on ${where}: ${reason?.text ?? cause.message}`, { cause });
    this.code = reason?.code ?? "TARPAN_LISTEN_FAILED";
  }
}
