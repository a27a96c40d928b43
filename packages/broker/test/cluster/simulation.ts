// Seeded histories of a whole cluster: brokers are killed, restarted, stopped, paused and cut off,
// JetStream loses messages, and clients go on, with transactions too. Then all faults end, the logs
// are compared, and the transactions' history is checked.
import { expect } from "vitest";
import { LogError } from "../../src/log/log-error.ts";
import type { TopicImage } from "../../src/metadata/image.ts";
import { SeededRandom } from "../env/seeded-random.ts";
import type { Fate } from "../log/jetstream/model-jetstream.ts";
import type { RequestFate } from "../rpc/memory-bus.ts";
import { ClusterWorld } from "./cluster-world.ts";
import { ClusterHistory } from "./history.ts";
import { SimulatedBank } from "./simulated-bank.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

const STEPS = 60;
const HUNG_MAX_MS = 10_000;

export class Simulation {
  readonly world: ClusterWorld;
  readonly history: ClusterHistory;
  readonly bank: SimulatedBank;
  readonly random: SeededRandom;
  readonly log: string[] = [];
  readonly failures: unknown[] = [];
  /** How many brokers may be in trouble at once: with more than one the cluster mostly waits. */
  readonly #troubledMax: number;
  #isHealed = false;
  /** Requests and stops under way, each with its broker's process. */
  readonly #begun = new Map<Promise<unknown>, SimulatedProcess>();

  constructor(seed: number) {
    this.random = new SeededRandom(seed ^ 0xc1c1);
    this.world = new ClusterWorld({ seed, brokers: this.random.chance(0.3) ? 4 : 3 });
    this.#troubledMax = this.random.chance(0.6) ? 1 : Number.POSITIVE_INFINITY;
    this.history = new ClusterHistory(this.world);
    this.bank = new SimulatedBank(this.world, new SeededRandom(seed ^ 0xbab4));
    // With few coordinators of each kind, each is hit by faults more often.
    const few = ["offsets.topic.num.partitions", "transaction.state.log.num.partitions"];
    for (const name of few) this.world.kafkaConfigs[name] = "2";
  }

  async run(): Promise<void> {
    const { world, random } = this;
    for (const broker of world.brokers) broker.start();
    await world.until("a broker serves", () => world.serving.length > 0);
    const opening = this.bank.start();
    if (random.chance(0.7)) await world.run(opening);
    this.#misbehave();
    for (let step = 0; step < STEPS; step++) {
      this.#fault();
      for (let i = random.below(4); i >= 0; i--) this.#work();
      await world.pass(random.below(random.chance(0.1) ? 6_000 : 600));
    }
    await this.#heal();
    await this.bank.end();
    await world.settled(180_000);
    expect(this.failures).toEqual([]);
    world.check();
    await this.history.check();
    await this.bank.check();
    world.check();
  }

  /** Faults and the brokers' log lines, in the order of time. */
  story(): string {
    const lines = [...this.log, ...this.world.lines];
    return lines.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).join("\n");
  }

  #misbehave(): void {
    const { model, network } = this.world;
    const { random } = this;
    const badness = random.next() * 0.03;
    this.bank.badness = badness;
    const fates: Fate[] = ["lost", "acknowledgement lost", "hangs uncommitted"];
    model.fateOf = ({ subject }) => {
      const fate = random.chance(badness) ? random.pick(fates) : "fine";
      if (fate === "hangs uncommitted") this.#electSoon(subject);
      return fate;
    };
    model.lag = () => (random.chance(0.2) ? random.below(4) : 0);
    network.loses = () => random.chance(badness);
    const losses: RequestFate[] = ["lost", "answer lost"];
    network.fateOf = () => (random.chance(3 * badness) ? random.pick(losses) : "fine");
  }

  #fault(): void {
    const { world, random } = this;
    const broker = random.pick(world.brokers);
    const { life } = broker;
    const roll = random.next();
    const inTrouble = world.brokers.filter(isInTrouble);
    if (!inTrouble.includes(broker) && inTrouble.length >= this.#troubledMax) return;
    if (life === null) {
      if (roll < 0.3) this.#do(`start ${broker.id}`, () => broker.start());
    } else if (roll < 0.04) this.#do(`kill ${broker.id}`, () => broker.kill());
    else if (roll < 0.06) this.#do(`kill ${broker.id} alone`, () => broker.kill({ server: false }));
    else if (roll < 0.09) this.#stop(broker);
    else if (roll < 0.13) this.#do(`pause ${broker.id}`, () => life.process.pause());
    else if (roll < 0.17) this.#do(`cut off ${broker.id}`, () => broker.cutOff(true));
    else if (roll < 0.19) this.#do(`bus of ${broker.id} cut`, () => (life.bus.cut = true));
    else if (roll < 0.21) this.#do(`link of ${broker.id} cut`, () => (life.link.cut = true));
    else if (roll < 0.24) this.#disturb();
    else if (roll < 0.5 && !life.process.runs) {
      this.#do(`resume ${broker.id}`, () => life.process.resume());
    } else if (roll < 0.5 && (life.bus.cut || life.link.cut)) {
      this.#do(`connect ${broker.id}`, () => broker.cutOff(false));
    }
  }

  #do(what: string, work: () => unknown): void {
    this.log.push(`${this.world.time.monotonicMs()} ${what}`);
    work();
  }

  #stop(broker: SimulatedBroker): void {
    if (broker.serves) this.#do(`stop ${broker.id}`, () => this.#begin(broker, broker.stop()));
  }

  #disturb(): void {
    const { world, random } = this;
    const name = random.pick([...world.model.streams.keys()]);
    if (name !== undefined) this.#do(`elect in ${name}`, () => world.servers.disturb(name));
  }

  /** A leader of a Raft group that can't commit for 10 s steps down. */
  #electSoon(subject: string): void {
    const { world, random } = this;
    world.time.after(random.below(HUNG_MAX_MS), () => {
      const stream = world.model.streamOfSubject(subject);
      if (stream !== undefined && !this.#isHealed) world.servers.disturb(stream.config.name);
    });
  }

  /** Sends a random request to a broker that serves. */
  #work(): void {
    const { world, history, random } = this;
    const { serving } = world;
    if (serving.length === 0) return;
    const broker = random.pick(serving);
    const all = [...broker.member.metadata.image.topics.values()];
    const topics = all.filter(({ name }) => history.topics.has(name));
    const roll = random.next();
    if (topics.length === 0 || (roll < 0.05 && history.topics.size < 8)) {
      if (history.topics.size > 12) return;
      const [partitions, replicas] = [1 + random.below(3), 1 + random.below(3)];
      this.#begin(broker, history.create(broker, partitions, replicas));
    } else if (roll < 0.07) this.#begin(broker, history.delete(broker, random.pick(topics).name));
    else if (roll < 0.09) this.#elect(broker);
    else if (roll < 0.11) this.#begin(broker, history.grow(broker, random.pick(topics).name));
    else if (roll < 0.13) this.#reassign(broker, random.pick(all));
    else this.#produce(broker, random.pick(topics));
  }

  #elect(broker: SimulatedBroker): void {
    const asked = { type: 0, partitions: null, timeoutMs: 5_000 };
    this.#begin(broker, broker.member.metadata.controller.electLeaders(asked));
  }

  #reassign(broker: SimulatedBroker, topic: TopicImage): void {
    const index = this.random.below(topic.partitions.length);
    const { replicas } = topic.partitions[index]!;
    const others = this.world.brokers.map(({ id }) => id).filter((id) => !replicas.includes(id));
    const wanted = [...others, ...replicas].slice(0, replicas.length);
    const partitions = [{ partitionIndex: index, replicas: wanted }];
    const options = { allowReplicationFactorChange: false, timeoutMs: 5_000 };
    const { controller } = broker.member.metadata;
    const topics = [{ name: topic.name, partitions }];
    this.#begin(broker, controller.alterReassignments({ topics, ...options }));
  }

  #produce(broker: SimulatedBroker, topic: TopicImage): void {
    const index = this.random.below(topic.partitions.length);
    const leader = this.world.brokers[topic.partitions[index]!.leader - 1];
    // Now and then it is sent to a broker that does not lead the partition.
    const asked = leader?.serves && this.random.chance(0.9) ? leader : broker;
    this.#begin(asked, this.history.produce(asked, topic, index));
  }

  #begin(broker: SimulatedBroker, work: Promise<unknown>): void {
    const { process } = broker.life!;
    const done = work
      .catch((error: unknown) => {
        if (!(error instanceof LogError)) this.failures.push(error);
      })
      .finally(() => this.#begun.delete(done));
    this.#begun.set(done, process);
  }

  async #heal(): Promise<void> {
    const { world } = this;
    this.#isHealed = true;
    this.log.push(`${world.time.monotonicMs()} heal`);
    world.model.fateOf = () => "fine";
    world.model.lag = () => 0;
    world.network.loses = () => false;
    world.network.fateOf = () => "fine";
    this.bank.badness = 0;
    for (const broker of world.brokers) {
      if (broker.life === null) broker.start();
      broker.life!.process.resume();
      broker.cutOff(false);
    }
    // Proposals that hang in a server are resolved by an election.
    for (const name of world.model.streams.keys()) world.servers.disturb(name);
    const isDone = () => {
      // A broker that was about to stop does so, and is started again.
      for (const broker of world.brokers) if (broker.life === null) broker.start();
      return [...this.#begun.values()].every((process) => process.isDead);
    };
    await world.until("all requests have an outcome", isDone, 120_000);
  }
}

function isInTrouble({ life }: SimulatedBroker): boolean {
  return life === null || !life.process.runs || life.bus.cut || life.link.cut;
}
