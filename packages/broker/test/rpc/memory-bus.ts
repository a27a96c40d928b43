import type { Bus } from "../../src/rpc/bus.ts";
import { RpcError } from "../../src/rpc/rpc-error.ts";
import type { ManualTime } from "../env/manual-time.ts";

type Listener = (frame: Uint8Array) => void;
type Answer = (frame: Uint8Array) => Promise<Uint8Array>;

/** Runs `work` in a broker's process: at once, after a pause, or never. */
export type Deliver = (work: () => void) => void;

/** Whether a request, or its answer, is lost. */
export type RequestFate = "fine" | "lost" | "answer lost";

/** The network between brokers in one process. Messages cross it as bytes, with a latency. */
export class MemoryNetwork {
  readonly time: ManualTime;
  readonly #latencyMs: number;
  readonly ports = new Map<string, MemoryBus>();
  /** Whether a published message is lost. */
  loses: (subject: string) => boolean = () => false;
  fateOf: (subject: string) => RequestFate = () => "fine";

  /** A message takes `latencyMs`; with 0 it arrives although the clock stands still. */
  constructor(time: ManualTime, latencyMs = 1) {
    this.time = time;
    this.#latencyMs = latencyMs;
  }

  /** Runs `arrive` when a message that is sent now arrives. */
  send(arrive: () => void): void {
    if (this.#latencyMs === 0) queueMicrotask(arrive);
    else this.time.after(this.#latencyMs, arrive);
  }

  /** A broker's bus. It replaces an earlier one of the same name. */
  bus(name: string, deliver: Deliver = (work) => work()): MemoryBus {
    const bus = new MemoryBus(this, deliver);
    this.ports.set(name, bus);
    return bus;
  }

  /** The broker is gone: its bus gets no messages any more. */
  remove(bus: MemoryBus): void {
    for (const [name, port] of this.ports) if (port === bus) this.ports.delete(name);
  }

  reachableFrom(from: MemoryBus): MemoryBus[] {
    return [...this.ports.values()].filter((bus) => areConnected(from, bus));
  }
}

function areConnected(a: MemoryBus, b: MemoryBus): boolean {
  return a === b || !(a.cut || b.cut);
}

export class MemoryBus implements Bus {
  /** If true, messages reach neither this broker from others nor others from this one. */
  cut = false;
  readonly listeners = new Map<string, Set<Listener>>();
  readonly answers = new Map<string, Answer>();
  readonly deliver: Deliver;
  readonly #network: MemoryNetwork;

  constructor(network: MemoryNetwork, deliver: Deliver) {
    this.#network = network;
    this.deliver = deliver;
  }

  publish(subject: string, frame: Uint8Array): void {
    for (const bus of this.#network.reachableFrom(this)) {
      if (bus !== this && this.#network.loses(subject)) continue;
      this.#network.send(() => {
        bus.deliver(() => {
          for (const listener of bus.listeners.get(subject) ?? []) listener(frame);
        });
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

  request(subject: string, frame: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const network = this.#network;
    return new Promise((resolve, reject) => {
      const soon = (work: () => void) => network.send(() => this.deliver(work));
      const server = network.reachableFrom(this).find((bus) => bus.answers.has(subject));
      if (server === undefined) {
        soon(() => reject(new RpcError("not-done", `no broker serves ${subject}`)));
        return;
      }
      const late = () => reject(new RpcError("unknown", "no answer in time"));
      network.time.after(timeoutMs, () => this.deliver(late));
      const fate = server === this ? "fine" : network.fateOf(subject);
      if (fate === "lost") return;
      const answered = (reply: Uint8Array) => {
        if (fate === "answer lost" || !areConnected(this, server)) return;
        soon(() => resolve(reply));
      };
      network.send(() => {
        server.deliver(() => {
          // If it has stopped serving meanwhile, there is no answer.
          void server.answers.get(subject)?.(frame).then(answered);
        });
      });
    });
  }
}
