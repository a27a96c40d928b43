import { type Api, ErrorCode, type Fields, type Input, type Output } from "@tarpan/protocol";
import type { Client } from "../connection/client.ts";
import type { Connection, RequestOptions } from "../connection/connection.ts";
import { findCoordinator } from "../connection/find-coordinator.ts";
import type { Operation } from "../connection/trouble.ts";
import { ClientError, KafkaResponseError } from "../errors.ts";

/**
 * The way to one group's coordinator, on a connection of its own: a long poll on the client's would
 * hold heartbeats up, since responses come in order.
 */
export class CoordinatorLink {
  readonly groupId: string;
  readonly #client: Client;
  #opening: Promise<Connection> | null = null;
  #closed = false;

  constructor(client: Client, groupId: string) {
    this.#client = client;
    this.groupId = groupId;
  }

  /** How long something may fail before it fails for good, ms. */
  get patienceMs(): number {
    return this.#client.timeoutMs;
  }

  operation(what: string): Operation {
    return this.#client.troubles.operation(what);
  }

  /** Rejects with a retriable error while the coordinator is away. */
  async request<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    body: Input<Q>,
    options?: RequestOptions,
  ): Promise<Output<S>> {
    const connection = await this.#connection();
    return connection.request(api, body, options);
  }

  /** Call with the error code of any answer: who is not the coordinator is not asked again. */
  note(errorCode: number): void {
    if (
      errorCode === ErrorCode.NOT_COORDINATOR ||
      errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE
    )
      this.reset();
  }

  /** Like assertOk, and notes it. */
  assertOk(errorCode: number, about: string): void {
    this.note(errorCode);
    if (errorCode !== 0) throw new KafkaResponseError(errorCode, about);
  }

  /** Ends requests in progress; the next one finds the coordinator anew. */
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

  async #connection(): Promise<Connection> {
    if (this.#closed) throw new ClientError("TARPAN_CLOSED", "the group consumer is closed");
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
    return this.#connection();
  }

  async #open(): Promise<Connection> {
    return this.#client.separateConnectionTo(await findCoordinator(this.#client, this.groupId));
  }
}
