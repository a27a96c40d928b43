import type { Socket } from "node:net";
import type { Timer } from "../env/env.ts";
import type { Place } from "./connection-quotas.ts";

/** A connection whose TLS handshake is not done. */
interface Handshake {
  readonly socket: Socket;
  readonly place: Place;
  /** Ends it when it takes too long. */
  readonly timer: Timer;
}

/**
 * The TLS handshakes of a listener that are not done. When there are as many as may be, the address
 * with the most of them loses its oldest one: who opens connections and says nothing can't keep
 * other addresses out.
 */
export class Handshakes {
  readonly #most: number;
  /** By address, then by port. A connection has one remote address and port on its listener. */
  readonly #byAddress = new Map<string, Map<number, Handshake>>();
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(handshake: Handshake): void {
    const { remoteAddress = "", remotePort = 0 } = handshake.socket;
    let ofAddress = this.#byAddress.get(remoteAddress);
    if (ofAddress === undefined) {
      ofAddress = new Map();
      this.#byAddress.set(remoteAddress, ofAddress);
    }
    ofAddress.set(remotePort, handshake);
    this.#count++;
  }

  /** Null if it is gone already. */
  take(remoteAddress = "", remotePort = 0): Handshake | null {
    const ofAddress = this.#byAddress.get(remoteAddress);
    const found = ofAddress?.get(remotePort);
    if (ofAddress === undefined || found === undefined) return null;
    ofAddress.delete(remotePort);
    if (ofAddress.size === 0) this.#byAddress.delete(remoteAddress);
    this.#count--;
    found.timer.cancel();
    return found;
  }

  /**
   * The connection that must be closed before a handshake of `address` may begin: the oldest one of
   * the address with the most, or the new one itself. Null while there are few.
   */
  tooMany(address = ""): "new" | Socket | null {
    if (this.#count < this.#most) return null;
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
