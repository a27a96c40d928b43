import { type Api, ErrorCode, type Fields, type Input, type Output } from "@tarpan/protocol";
import { ClientError, KafkaResponseError } from "../errors.ts";
import type { Client } from "./client.ts";
import type { Connection, RequestOptions } from "./connection.ts";
import { type Coordinated, findCoordinator } from "./find-coordinator.ts";
import type { Operation } from "./trouble.ts";

/**
 * Finds the coordinator of a group or a transactional id and sends requests to it, on a separate
 * connection: responses come in order, so a long Fetch on the shared connection would delay
 * heartbeats.
 */
export class CoordinatorLink {
  readonly kind: Coordinated;
  /** The group id or the transactional id. */
  readonly key: string;
  readonly #client: Client;
  #opening: Promise<Connection> | null = null;
  #closed = false;

  constructor(client: Client, kind: Coordinated, key: string) {
    this.#client = client;
    this.kind = kind;
    this.key = key;
  }

  /** How long retriable errors are retried, ms. */
  get patienceMs(): number {
    return this.#client.timeoutMs;
  }

  operation(what: string): Operation {
    return this.#client.troubles.operation(what);
  }

  /** Rejects with a retriable error while the coordinator can't be found or reached. */
  async request<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    body: Input<Q>,
    options?: RequestOptions,
  ): Promise<Output<S>> {
    const connection = await this.connection();
    return connection.request(api, body, options);
  }

  /** Must be called with every response's error code: another broker may be the coordinator now. */
  note(errorCode: number): void {
    if (
      errorCode === ErrorCode.NOT_COORDINATOR ||
      errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE
    )
      this.reset();
  }

  /** Calls `note`, then throws unless `errorCode` is 0. */
  assertOk(errorCode: number, about: string): void {
    this.note(errorCode);
    if (errorCode !== 0) throw new KafkaResponseError(errorCode, about);
  }

  /** Closes the connection: requests in progress reject, the next finds the coordinator again. */
  reset(): void {
    const opening = this.#opening;
    this.#opening = null;
    opening?.then(
      (connection) => connection.close(),
      () => {},
    );
  }

  close(): void {
    this.#closed = true;
    this.reset();
  }

  /** The open connection to the coordinator. Rejects as `request` does. */
  async connection(): Promise<Connection> {
    if (this.#closed)
      throw new ClientError("TARPAN_CLOSED", `the client of ${this.kind} ${this.key} is closed`);
    const opening = this.#opening ?? this.#open();
    this.#opening = opening;
    try {
      const connection = await opening;
      if (connection.isOpen) return connection;
    } catch (error) {
      if (this.#opening === opening) this.#opening = null;
      throw error;
    }
    if (this.#opening === opening) this.#opening = null;
    return this.connection();
  }

  async #open(): Promise<Connection> {
    return this.#client.separateConnectionTo(
      await findCoordinator(this.#client, this.kind, this.key),
    );
  }
}
