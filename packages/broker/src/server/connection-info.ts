import { setMaxListeners } from "node:events";
import type { Socket } from "node:net";
import type { KafkaPrincipal } from "../security/principal.ts";
import type { Place } from "./connection-quotas.ts";
import type { Gate } from "./gate.ts";
import type { ConnectionInfo } from "./router.ts";

const IPV4_IN_IPV6 = "::ffff:";

/** A connection that a listener has accepted. */
export interface Arrived {
  readonly socket: Socket;
  /** The name of the listener that it came by. */
  readonly listener: string;
  /** The owner of its certificate. */
  readonly principal: KafkaPrincipal;
  /** Null if the listener's clients need not authenticate by SASL. */
  readonly gate: Gate | null;
  /** Its place among the connections of its address. */
  readonly place: Place;
}

export class SocketInfo implements ConnectionInfo {
  readonly id: number;
  readonly remoteAddress: string;
  readonly listener: string;
  readonly localAddress: string;
  readonly localPort: number;
  principal: KafkaPrincipal;
  /** Created at the first use: most connections never wait for anything. */
  #controller: AbortController | null = null;

  readonly throttle: (throttleMs: number) => void;

  constructor(
    id: number,
    { socket, listener, principal }: Arrived,
    throttle: (throttleMs: number) => void,
  ) {
    this.id = id;
    this.throttle = throttle;
    this.listener = listener;
    this.principal = principal;
    // Read now: a closed socket has no addresses any more.
    this.remoteAddress = plainAddress(socket.remoteAddress);
    this.localAddress = plainAddress(socket.localAddress);
    this.localPort = socket.localPort ?? 0;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      // Every request in progress may listen to it: many listeners are no leak.
      setMaxListeners(0, this.#controller.signal);
    }
    return this.#controller.signal;
  }

  abort(): void {
    if (this.#controller !== null) this.#controller.abort();
    else this.#controller = ABORTED;
  }
}

const ABORTED = new AbortController();
ABORTED.abort();

export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith(IPV4_IN_IPV6) ? address.slice(IPV4_IN_IPV6.length) : address;
}
