import type { Api, Fields, Input, Output } from "@tarpan/protocol";
import { RawConnection } from "../harness/raw-connection.ts";
import { within } from "../harness/within.ts";

const ANSWER_LIMIT_MS = 5_000;

/** What clients need of the world: brokers by their address, and time. */
export interface Wire {
  /** Addresses of brokers that tell where the others are. */
  readonly bootstrap: readonly string[];
  /** Rejects if there is no answer. */
  request<Q extends Fields, S extends Fields>(
    place: string,
    api: Api<Q, S>,
    version: number,
    body: Input<Q>,
  ): Promise<Output<S>>;
  nowMs(): number;
  /** For the timestamps of records. */
  wallMs(): number;
  pause(ms: number): Promise<void>;
}

/** One request at a time on a connection: answers come in the order of the requests. */
export class TcpWire implements Wire {
  readonly bootstrap: readonly string[];
  readonly #connections = new Map<string, RawConnection>();
  #isClosed = false;

  constructor(bootstrap: readonly string[]) {
    this.bootstrap = bootstrap;
  }

  nowMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  async request<Q extends Fields, S extends Fields>(
    place: string,
    api: Api<Q, S>,
    version: number,
    body: Input<Q>,
  ): Promise<Output<S>> {
    if (this.#isClosed) throw new Error("this client has ended");
    const connection = await this.#connect(place);
    try {
      const answer = connection.request(api, version, body);
      return await within(ANSWER_LIMIT_MS, api.name, answer);
    } catch (error) {
      this.#connections.delete(place);
      connection.close();
      throw error;
    }
  }

  /** From now on each request is rejected. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  async #connect(place: string): Promise<RawConnection> {
    const known = this.#connections.get(place);
    if (known !== undefined && !known.isClosed) return known;
    const [host, port] = place.split(":") as [string, string];
    const opened = await within(ANSWER_LIMIT_MS, "connecting", RawConnection.open(+port, host));
    this.#connections.set(place, opened);
    return opened;
  }
}
