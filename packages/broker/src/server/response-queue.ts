type Response = readonly Uint8Array[] | null;

/** A request in progress, or one whose response waits for earlier responses. */
export interface InFlight {
  readonly requestBytes: number;
  /** Undefined while in progress; null for no response; "failed" if there can be none. */
  response: Response | undefined | "failed";
  responseBytes: number;
  next: InFlight | null;
}

/** Returns responses in the order of their requests, which may finish in any order. */
export class ResponseQueue {
  #first: InFlight | null = null;
  #last: InFlight | null = null;
  #waitingBytes = 0;

  /** Bytes of finished responses that wait for an earlier one. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Whether the next request has failed: then no later one can be answered either. */
  get broken(): boolean {
    return this.#first?.response === "failed";
  }

  add(requestBytes: number): InFlight {
    const entry: InFlight = { requestBytes, response: undefined, responseBytes: 0, next: null };
    if (this.#last === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    return entry;
  }

  settle(entry: InFlight, response: Response | "failed"): void {
    entry.response = response;
    if (response === null || response === "failed") return;
    for (const slice of response) entry.responseBytes += slice.length;
    this.#waitingBytes += entry.responseBytes;
  }

  /** The next response in order; undefined when its request is still in progress or has failed. */
  shift(): Response | undefined {
    const entry = this.#first;
    if (entry === null || entry.response === undefined || entry.response === "failed") {
      return undefined;
    }
    this.#first = entry.next;
    if (entry.next === null) this.#last = null;
    this.#waitingBytes -= entry.responseBytes;
    return entry.response;
  }
}
