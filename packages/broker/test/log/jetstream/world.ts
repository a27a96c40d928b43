// Engines of several brokers over one model, on a clock that the test moves.
import { JetStreamEngine } from "../../../src/log/jetstream/engine.ts";
import type { JetStreamTransport } from "../../../src/log/jetstream/transport.ts";
import type { LogId } from "../../../src/log/log.ts";
import { ManualTime } from "../../env/manual-time.ts";
import { SeededRandom } from "../../env/seeded-random.ts";
import { largeMachine } from "../../env/test-env.ts";
import { ModelJetStream, type ModelStream } from "./model-jetstream.ts";

export const ID: LogId = { topic: "orders", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 3 };
export const STREAM = "tarpan-p-AAAAAAAAAAAAAAAAAAAAAQ-3";

export class World {
  readonly time = new ManualTime();
  readonly random: SeededRandom;
  readonly model: ModelJetStream;
  readonly lines: string[] = [];

  constructor({ seed = 1, latencyMs = 2 } = {}) {
    this.random = new SeededRandom(seed);
    const env = { clock: this.time, timers: this.time };
    this.model = new ModelJetStream({ env, random: this.random, latencyMs });
  }

  /** A new broker's engine, on its own connection. */
  engine(transport: JetStreamTransport = this.model.connect(), syncedAfterMs = 0): JetStreamEngine {
    return new JetStreamEngine({
      transport,
      syncedAfterMs,
      env: { clock: this.time, timers: this.time, random: this.random, machine: largeMachine },
      log: (line) => this.lines.push(line),
    });
  }

  get stream(): ModelStream {
    return this.model.stream(STREAM);
  }

  /** Lets time pass until `promise` is settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    promise.then(settled, settled);
    for (let steps = 0; !isSettled; steps++) {
      if (steps > 200_000) throw new Error("the promise was not settled in time");
      await this.turn();
      if (!isSettled) this.time.advance(steps < 100 ? 1 : 10);
    }
    return promise;
  }

  /** Lets `ms` pass in small steps, so that timers and promises run meanwhile. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5) {
      await this.turn();
      this.time.advance(Math.min(5, ms - passed));
    }
    await this.turn();
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}
