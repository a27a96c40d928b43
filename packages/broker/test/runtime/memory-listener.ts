import type { Timers } from "../../src/env/env.ts";
import { ANONYMOUS, type KafkaPrincipal } from "../../src/security/principal.ts";
import type { Listener, ListenerOptions } from "../../src/server/listener.ts";
import type { ConnectionInfo, RequestRouter } from "../../src/server/router.ts";
import { type NetworkStats, newCounters } from "../../src/server/shared.ts";

const LENGTH_BYTES = 4;

/** A broker's listener in a test: one connection of frames, without a socket. */
export class MemoryListener implements Listener {
  readonly ports: readonly number[];
  /** Who the client of later requests is. */
  principal: KafkaPrincipal = ANONYMOUS;
  /** How long requests have throttled the connection, in their order, ms. */
  readonly throttles: number[] = [];
  readonly #router: RequestRouter;
  readonly #timers: Timers;
  #connections = 0;
  #connection: { readonly info: ConnectionInfo; readonly closed: AbortController };
  #inProgress = 0;
  #idle: () => void = () => {};

  constructor({ addresses, router, env }: ListenerOptions) {
    this.ports = addresses.map(({ port }) => port);
    this.#router = router;
    this.#timers = env.timers;
    this.#connection = this.#connect();
  }

  async listen(): Promise<void> {}

  get connections(): number {
    return 1;
  }

  get stats(): NetworkStats {
    return { ...newCounters(), heldBytes: 0, unsentBytes: 0, connectionsWaiting: 0 };
  }

  /** Sends an encoded request; resolves to null if it gets no response. */
  send(request: readonly Uint8Array[]): Promise<Uint8Array | null> {
    return this.sendFrame(unframed(request));
  }

  /** The same for a frame without its length prefix. */
  async sendFrame(frame: Uint8Array): Promise<Uint8Array | null> {
    this.#inProgress++;
    try {
      const answer = await this.#router.accept(frame, this.#connection.info).run();
      return answer === null ? null : unframed(answer);
    } finally {
      this.#inProgress--;
      if (this.#inProgress === 0) this.#idle();
    }
  }

  /** Closes the connection, which ends its long polls. The next request opens another one. */
  cutKafka(): void {
    const { info, closed } = this.#connection;
    this.#connection = this.#connect();
    closed.abort();
    this.#router.closed(info);
  }

  async close({ graceMs }: { graceMs: number }): Promise<void> {
    if (this.#inProgress === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#timers.after(graceMs, resolve);
      this.#idle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #connect() {
    const closed = new AbortController();
    const listener = this;
    const info = {
      id: ++this.#connections,
      // Not what the broker is bound to: clients may reach it through another address and port.
      ...{
        listener: "PLAINTEXT",
        remoteAddress: "127.0.0.1",
        localAddress: "10.0.0.1",
        localPort: 19092,
      },
      get principal() {
        return listener.principal;
      },
      signal: closed.signal,
      throttle: (throttleMs: number) => {
        listener.throttles.push(throttleMs);
      },
    };
    return { info, closed };
  }
}

function unframed(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks)).subarray(LENGTH_BYTES);
}
