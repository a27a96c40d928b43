// A whole cluster in one process: brokers over one model of JetStream and one network, on one clock
// that moves only when the test says so. The same seed repeats the same run.
import { expect } from "vitest";
import { type Heartbeat, onHeartbeats } from "../../src/cluster/heartbeat.ts";
import type { InitialAdminSettings } from "../../src/config/settings.ts";
import type { Logger } from "../../src/logging/logger.ts";
import { type MetadataImage, partitionsOf } from "../../src/metadata/image.ts";
import type { Metadata } from "../../src/metadata/metadata.ts";
import { ManualTime } from "../env/manual-time.ts";
import { SeededRandom } from "../env/seeded-random.ts";
import { ModelJetStream } from "../log/jetstream/model-jetstream.ts";
import { MemoryNetwork } from "../rpc/memory-bus.ts";
import { rpcOn } from "../rpc/rpc-on.ts";
import { textOf } from "./image-text.ts";
import { ModelServers } from "./model-servers.ts";
import { SimulatedBroker } from "./simulated-broker.ts";

const STEP_MS = 5;
/** An id that no broker has. */
const OBSERVER = 0;

export class ClusterWorld {
  readonly seed: number;
  readonly time = new ManualTime();
  readonly random: SeededRandom;
  readonly network: MemoryNetwork;
  readonly model: ModelJetStream;
  readonly servers: ModelServers;
  readonly brokers: SimulatedBroker[];
  readonly kafkaConfigs: Record<string, string> = {};
  initialAdmin: InitialAdminSettings | undefined;
  /** Raft addresses that each broker's configuration lists besides its own. */
  readonly peers: string[] = [];
  /** The brokers' log lines, with the time and the broker's id. */
  readonly lines: string[] = [];
  /** Violated invariants; `check` fails if there are any. */
  readonly problems: string[] = [];
  readonly #controllers = new Map<number, string>();

  constructor({ seed = 1, brokers = 3 } = {}) {
    this.seed = seed;
    this.random = new SeededRandom(seed);
    const { time, random } = this;
    this.network = new MemoryNetwork(time);
    this.model = new ModelJetStream({ env: { clock: time, timers: time }, random, latencyMs: 2 });
    this.servers = new ModelServers(this.model, time, random);
    this.brokers = Array.from({ length: brokers }, (_, at) => new SimulatedBroker(this, at + 1));
    onHeartbeats(rpcOn(this.network.bus("observer"), OBSERVER, time), (beat) => this.#saw(beat));
  }

  /** Adds brokers, which are not started yet. */
  add(count: number): void {
    for (let left = count; left > 0; left--) {
      this.brokers.push(new SimulatedBroker(this, this.brokers.length + 1));
    }
  }

  broker(id: number): SimulatedBroker {
    return this.brokers[id - 1]!;
  }

  get serving(): SimulatedBroker[] {
    return this.brokers.filter((broker) => broker.serves);
  }

  /** A world whose brokers were started at the same time and all serve. */
  static async started(options: ConstructorParameters<typeof ClusterWorld>[0] = {}) {
    const world = new ClusterWorld(options);
    await world.run(Promise.all(world.brokers.map((broker) => broker.start().serving)));
    return world;
  }

  /** The controller's id, as `broker` knows it (default: the first that serves). */
  controllerId(broker = this.serving[0]!): number {
    return broker.member.metadata.controllerId;
  }

  get controller(): SimulatedBroker {
    return this.broker(this.controllerId());
  }

  /** A broker that serves and is not the controller. */
  get bystander(): SimulatedBroker {
    const id = this.controllerId();
    return this.serving.find((broker) => broker.id !== id)!;
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await this.turn();
      this.time.advance(Math.min(STEP_MS, ms - passed));
    }
    await this.turn();
  }

  /** Lets time pass until `isSo`; returns how long that took. */
  async until(what: string, isSo: () => boolean, limitMs = 60_000): Promise<number> {
    const sinceMs = this.time.monotonicMs();
    for (;;) {
      await this.turn();
      const passedMs = this.time.monotonicMs() - sinceMs;
      if (isSo()) return passedMs;
      if (passedMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
      this.time.advance(STEP_MS);
    }
  }

  /** Lets time pass until `promise` is settled. */
  async run<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await this.until("a promise settles", () => isSettled, limitMs);
    return promise;
  }

  /** Waits until all brokers have the same metadata, and each partition is open at its leader. */
  settled(limitMs = 60_000): Promise<number> {
    return this.until("the cluster is at rest", () => this.unrest() === null, limitMs).catch(
      (cause: unknown) => {
        throw new Error(`${this.unrest()}`, { cause });
      },
    );
  }

  /** Why the cluster is not at rest yet, null when it is. */
  unrest(): string | null {
    const { brokers, serving } = this;
    const running = brokers.filter(({ life }) => life !== null);
    if (serving.length < running.length) return "a broker does not serve yet";
    const isolated = serving.find(({ member }) => member.metadata.leadership.isExpired);
    if (isolated !== undefined) return `broker ${isolated.id} is isolated`;
    const ids = new Set(serving.map((broker) => this.controllerId(broker)));
    if (ids.size > 1 || ids.has(-1)) return `controllers are ${[...ids]}`;
    const images = serving.map((broker) => textOf(broker.member.metadata.image));
    if (new Set(images).size > 1) return "images differ";
    const { image } = serving[0]!.member.metadata;
    for (const { id, incarnationId, fenced } of image.brokers.values()) {
      const { life } = this.broker(id);
      if (fenced !== (life === null)) return `broker ${id} is fenced: ${fenced}`;
      const own = life?.member?.metadata.incarnationId;
      if (own !== undefined && own !== incarnationId) return `broker ${id} has not registered`;
    }
    for (const { topic, index, partition } of partitionsOf(image)) {
      const name = `${topic.name}-${index}`;
      const leader = this.brokers[partition.leader - 1];
      if (leader === undefined || !leader.serves) return `${name} is led by ${partition.leader}`;
      const led = leader.partition(topic.name, index);
      if (led?.leaderEpoch !== partition.leaderEpoch) return `${name} is not open at its leader`;
      const { isr, adding, removing } = partition;
      const isMissing = partition.replicas.some((id) => this.servers.isUp(id) && !isr.includes(id));
      if (isMissing || adding.length + removing.length > 0) return `${name} has ISR ${isr}`;
    }
    return null;
  }

  /** Fails if an invariant was violated, or a broker logged a bug or a loss of data. */
  check(): void {
    expect(this.problems).toEqual([]);
    expect(this.lines.filter((line) => line.includes("bug in Tarpan"))).toEqual([]);
    expect(this.lines.filter((line) => line.includes("DATA LOSS"))).toEqual([]);
  }

  /** Called when a broker has joined the cluster. */
  joined(broker: SimulatedBroker, metadata: Metadata): void {
    let previous = metadata.image;
    metadata.onChange((_, next) => {
      for (const problem of stepsBack(previous, next)) {
        this.problems.push(`broker ${broker.id}: ${problem}`);
      }
      previous = next;
    });
  }

  loggerOf(id: number): Logger {
    const say = (level: string) => (message: string, fields?: object) => {
      const error = fields && "error" in fields ? `: ${String(fields.error)}` : "";
      this.lines.push(`${this.time.monotonicMs()} ${id} ${level}: ${message}${error}`);
    };
    return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  }

  #saw({ brokerId, incarnationId, controllerEpoch }: Heartbeat): void {
    // A broker that stops sends an empty incarnation id.
    if (controllerEpoch === null || incarnationId === "") return;
    const who = `${brokerId} ${incarnationId}`;
    const before = this.#controllers.get(controllerEpoch) ?? who;
    this.#controllers.set(controllerEpoch, before);
    if (before !== who) this.problems.push(`epoch ${controllerEpoch} of ${before} and ${who}`);
  }
}

function* stepsBack(previous: MetadataImage, next: MetadataImage): Generator<string> {
  for (const before of previous.topicsById.values()) {
    const now = next.topicsById.get(before.id);
    for (const [index, { leaderEpoch, partitionEpoch }] of before.partitions.entries()) {
      const after = now?.partitions[index];
      if (after === undefined) {
        if (now !== undefined) yield `${before.name}-${index} vanished`;
        continue;
      }
      const back = after.leaderEpoch < leaderEpoch || after.partitionEpoch < partitionEpoch;
      if (back) yield `${before.name}-${index} went back to leader epoch ${after.leaderEpoch}`;
    }
  }
}
