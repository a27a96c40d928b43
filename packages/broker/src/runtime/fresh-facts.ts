import type { Env, Timer } from "../env/env.ts";
import type { EngineFacts } from "../nats/facts.ts";

const FACTS_INTERVAL_MS = 5_000;

/** Facts about the engine, refreshed every few seconds: /cluster/status must not wait for them. */
export class FreshFacts {
  readonly #timers: Env["timers"];
  readonly #ask: () => Promise<EngineFacts>;
  #facts: EngineFacts;
  #timer: Timer | undefined;
  #stopped = false;

  private constructor(timers: Env["timers"], ask: () => Promise<EngineFacts>, first: EngineFacts) {
    this.#timers = timers;
    this.#ask = ask;
    this.#facts = first;
  }

  static async start(timers: Env["timers"], ask: () => Promise<EngineFacts>): Promise<FreshFacts> {
    const facts = new FreshFacts(timers, ask, await ask());
    facts.#askLater();
    return facts;
  }

  get now(): EngineFacts {
    return this.#facts;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #askLater(): void {
    this.#timer = this.#timers.after(FACTS_INTERVAL_MS, async () => {
      this.#facts = await this.#ask();
      if (!this.#stopped) this.#askLater();
    });
  }
}
