import { type Bus, BusError } from "../../src/cluster/bus.ts";
import { decodeValue, encodeValue } from "../../src/cluster/plain-values.ts";
import type { ManualTime } from "../env/manual-time.ts";

type Listener = (message: unknown) => void;
type Answer = (request: unknown) => Promise<unknown>;

/** The network between brokers in one process: messages cross it as bytes, a moment later. */
export class MemoryNetwork {
  readonly #time: ManualTime;
  readonly #ports = new Map<string, MemoryBus>();

  constructor(time: ManualTime) {
    this.#time = time;
  }

  /** One broker's end of it. */
  bus(name: string): MemoryBus {
    const bus = new MemoryBus(this.#time, () => this.#reachable(name));
    this.#ports.set(name, bus);
    return bus;
  }

  #reachable(from: string): MemoryBus[] {
    if (this.#ports.get(from)!.cut) return [this.#ports.get(from)!];
    return [...this.#ports.values()].filter((bus) => !bus.cut);
  }
}

export class MemoryBus implements Bus {
  /** Reaches nobody, and is reached by nobody. */
  cut = false;
  readonly listeners = new Map<string, Set<Listener>>();
  readonly answers = new Map<string, Answer>();
  readonly #time: ManualTime;
  readonly #reachable: () => MemoryBus[];

  constructor(time: ManualTime, reachable: () => MemoryBus[]) {
    this.#time = time;
    this.#reachable = reachable;
  }

  publish(subject: string, message: unknown): void {
    const bytes = encodeValue(message);
    for (const bus of this.#reachable()) {
      this.#time.after(1, () => {
        for (const listener of bus.listeners.get(subject) ?? []) listener(decodeValue(bytes));
      });
    }
  }

  subscribe(subject: string, listener: Listener): () => void {
    const listeners = this.listeners.get(subject) ?? new Set();
    this.listeners.set(subject, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  serve(subject: string, answer: Answer): () => void {
    this.answers.set(subject, answer);
    return () => this.answers.delete(subject);
  }

  async request(subject: string, message: unknown, timeoutMs: number): Promise<unknown> {
    const server = this.#reachable().find((bus) => bus.answers.has(subject));
    if (server === undefined) throw new BusError("nobody", `nobody serves ${subject}`);
    const answering = server.answers.get(subject)!(decodeValue(encodeValue(message)));
    const late = new Promise<never>((_, reject) => {
      this.#time.after(timeoutMs, () => reject(new BusError("unknown", "no answer in time")));
    });
    return decodeValue(encodeValue(await Promise.race([answering, late])));
  }
}
