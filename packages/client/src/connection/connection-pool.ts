import type { Address } from "./addresses.ts";
import type { Connection } from "./connection.ts";

/**
 * At most one connection to each broker, opened when it is first needed, and again after it was
 * lost or was idle for too long.
 */
export class ConnectionPool {
  readonly #open: (address: Address) => Promise<Connection>;
  readonly #connections = new Map<string, Promise<Connection>>();

  constructor(open: (address: Address) => Promise<Connection>) {
    this.#open = open;
  }

  async connectionTo({ host, port }: Address): Promise<Connection> {
    const address = `${host}:${port}`;
    const opening = this.#connections.get(address);
    if (opening !== undefined) {
      const connection = await opening;
      if (connection.isOpen) return connection;
      if (this.#connections.get(address) === opening) this.#connections.delete(address);
      return this.connectionTo({ host, port });
    }
    const opened = this.#open({ host, port });
    this.#connections.set(address, opened);
    // A failed attempt must not be remembered as the connection.
    opened.catch(() => this.#connections.delete(address));
    return opened;
  }

  /** Closes all connections, those that are being opened too; requests in progress reject. */
  async close(): Promise<void> {
    const connections = await Promise.allSettled(this.#connections.values());
    for (const each of connections) if (each.status === "fulfilled") each.value.close();
    this.#connections.clear();
  }
}
