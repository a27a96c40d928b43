/** Calls that wait, first come first served; each is given up after the same time. */
export class WaitingCalls<Call> {
  readonly #patienceMs: number;
  readonly #giveUp: (call: Call) => void;
  readonly #waiting: { readonly call: Call; readonly until: number }[] = [];
  /** Of the first call. */
  #timer: NodeJS.Timeout | undefined;

  constructor(patienceMs: number, giveUp: (call: Call) => void) {
    this.#patienceMs = patienceMs;
    this.#giveUp = giveUp;
  }

  get first(): Call | undefined {
    return this.#waiting[0]?.call;
  }

  push(call: Call): void {
    this.#waiting.push({ call, until: performance.now() + this.#patienceMs });
    if (this.#waiting.length === 1) this.#watchFirst();
  }

  shift(): Call | undefined {
    const first = this.#waiting.shift();
    this.#watchFirst();
    return first?.call;
  }

  #watchFirst(): void {
    clearTimeout(this.#timer);
    const [first] = this.#waiting;
    if (first === undefined) return;
    const leftMs = Math.max(0, Math.ceil(first.until - performance.now()));
    this.#timer = setTimeout(() => this.#expire(), leftMs);
  }

  #expire(): void {
    const now = performance.now();
    const expired: Call[] = [];
    while (this.#waiting[0] !== undefined && this.#waiting[0].until <= now)
      expired.push(this.#waiting.shift()!.call);
    this.#watchFirst();
    for (const call of expired) this.#giveUp(call);
  }
}
