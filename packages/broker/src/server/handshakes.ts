import type { Socket } from "node:net";
import type { Timer, Timers } from "../env/env.ts";
import type { Place } from "./connection-quotas.ts";
import type { ServerLimits } from "./limits.ts";

/** A connection whose TLS handshake is not done. */
interface Handshake {
  readonly socket: Socket;
  readonly place: Place;
  readonly deadline: Timer;
}

interface HandshakeOptions {
  readonly limits: Pick<ServerLimits, "maxHandshakes" | "handshakeTimeoutMs">;
  readonly timers: Timers;
  /** It has taken too long. */
  onLate(socket: Socket): void;
}

/**
 * The TLS handshakes of a listener that are not done. When there are as many as may be, the address
 * with the most of them loses its oldest one: who opens connections and says nothing can't keep
 * other addresses out. Each has a time limit: that of Node begins anew with every byte, and closes
 * nothing.
 */
export class Handshakes {
  readonly #options: HandshakeOptions;
  /** By address, then by port. A connection has one remote address and port on its listener. */
  readonly #byAddress = new Map<string, Map<number, Handshake>>();
  #count = 0;

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  add(socket: Socket, place: Place): void {
    const { remoteAddress = "", remotePort = 0 } = socket;
    let ofAddress = this.#byAddress.get(remoteAddress);
    if (ofAddress === undefined) {
      ofAddress = new Map();
      this.#byAddress.set(remoteAddress, ofAddress);
    }
    const { limits, timers, onLate } = this.#options;
    const deadline = timers.after(limits.handshakeTimeoutMs, () => onLate(socket));
    ofAddress.set(remotePort, { socket, place, deadline });
    this.#count++;
  }

  /** Null if it is gone already. */
  take(remoteAddress = "", remotePort = 0): Handshake | null {
    const ofAddress = this.#byAddress.get(remoteAddress);
    const found = ofAddress?.get(remotePort);
    if (ofAddress === undefined || found === undefined) return null;
    found.deadline.cancel();
    ofAddress.delete(remotePort);
    if (ofAddress.size === 0) this.#byAddress.delete(remoteAddress);
    this.#count--;
    return found;
  }

  /**
   * The connection that must be closed before a handshake of `address` may begin: the oldest one of
   * the address with the most, or the new one itself. Null while there are few.
   */
  tooMany(address = ""): "new" | Socket | null {
    if (this.#count < this.#options.limits.maxHandshakes) return null;
    const own = this.#byAddress.get(address)?.size ?? 0;
    let largest: Map<number, Handshake> | null = null;
    for (const ofAddress of this.#byAddress.values()) {
      if (ofAddress.size > (largest?.size ?? 0)) largest = ofAddress;
    }
    if (largest === null || largest.size <= own) return "new";
    return [...largest.values()][0]!.socket;
  }

  end(): void {
    for (const ofAddress of this.#byAddress.values()) {
      for (const { socket } of ofAddress.values()) socket.destroy();
    }
  }
}
