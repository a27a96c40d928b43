import { ErrorCode } from "@tarpan/protocol";
import type { ClusterEngine } from "../../src/cluster/cluster-engine.ts";
import { ClusterMember } from "../../src/cluster/member.ts";
import type { BrokerSettings } from "../../src/config/settings.ts";
import type { Env } from "../../src/env/env.ts";
import { GroupCoordinator } from "../../src/groups/coordinator.ts";
import { JetStreamEngine } from "../../src/log/jetstream/engine.ts";
import type { Logger } from "../../src/logging/logger.ts";
import { brokerIdOf, serverNameOf, serverTagOf } from "../../src/nats/names.ts";
import type { Partition } from "../../src/partition/partition.ts";
import { MemoryFiles } from "../env/memory-files.ts";
import { SeededRandom } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import type { MemoryBus } from "./memory-bus.ts";
import { ServerLink } from "./server-link.ts";
import { SimulatedProcess } from "./simulated-process.ts";

const FACTS = {
  version: "2.14.5",
  replicasMax: null,
  syncInterval: "always",
  maxPayloadBytes: 8 << 20,
  problems: [],
};

/** What a broker is made of from one start to its end. */
export interface Life {
  readonly env: Env;
  readonly settings: BrokerSettings;
  readonly process: SimulatedProcess;
  readonly bus: MemoryBus;
  readonly link: ServerLink;
  readonly engine: ClusterEngine;
  readonly joining: Promise<ClusterMember>;
  /** Settles when clients are let in. */
  readonly serving: Promise<void>;
  member: ClusterMember | null;
  groups: GroupCoordinator | null;
  serves: boolean;
  readonly stopping: AbortController;
}

/** A broker of the simulated cluster, through all its lives; only its disk stays. */
export class SimulatedBroker {
  readonly id: number;
  readonly fs = new MemoryFiles();
  readonly world: ClusterWorld;
  life: Life | null = null;
  #lives = 0;

  constructor(world: ClusterWorld, id: number) {
    this.world = world;
    this.id = id;
  }

  /** The member that serves; a test that asks for it knows that there is one. */
  get member(): ClusterMember {
    return this.life!.member!;
  }

  get serves(): boolean {
    const { life } = this;
    return life?.serves === true && life.process.runs;
  }

  /** Begins a life. The promises of `life` say how far it has come. */
  start(): Life {
    const { world, id } = this;
    const seed = world.seed * 1_000 + id * 100 + this.#lives++;
    const process = new SimulatedProcess(world.time);
    const env: Env = {
      ...testEnv({ fs: this.fs }),
      clock: world.time,
      timers: process,
      random: new SeededRandom(seed),
    };
    const bus = world.network.bus(`broker ${id}`, process.deliver);
    const link = new ServerLink(world.servers, process);
    const engine = this.#engine(env, bus, link);
    world.servers.start(id);
    const stopping = new AbortController();
    const logger = world.loggerOf(id);
    const settings = this.#settings();
    const parts = { env, settings, engine, logger, stopping: stopping.signal };
    const joining = this.fs
      .makeDirectory(settings.dataDirectory)
      .then(() => ClusterMember.join(parts));
    const serving = joining.then((member) => this.#serve(life, env, member, logger));
    const life: Life = {
      ...{ env, settings, process, bus, link, engine, joining, serving, stopping },
      member: null,
      groups: null,
      serves: false,
    };
    this.life = life;
    // Whoever cares awaits the promise itself.
    serving.catch(() => {});
    return life;
  }

  /** As `kill -9`: the broker, and its server with it unless that is spared. */
  kill({ server = true } = {}): void {
    const { life, world, id } = this;
    if (life === null) return;
    life.process.kill();
    world.network.remove(life.bus);
    if (server) world.servers.stop(id);
    this.life = null;
  }

  /** As SIGTERM. */
  async stop(): Promise<void> {
    const { member, groups, engine, bus, process } = this.life!;
    this.life!.serves = false;
    await member!.leave();
    groups!.close();
    await member!.partitions.close();
    await member!.close();
    await engine.close();
    this.world.network.remove(bus);
    process.kill();
    this.world.servers.relieve(this.id);
    this.world.servers.stop(this.id);
    this.life = null;
  }

  /** The whole machine loses its network, or has it back. */
  cutOff(isCut: boolean): void {
    if (this.life === null) return;
    this.life.bus.cut = isCut;
    this.life.link.cut = isCut;
    if (isCut) this.world.servers.stop(this.id);
    else this.world.servers.start(this.id);
  }

  /** The partition, where this broker leads it and serves it now. */
  partition(topic: string, index = 0): Partition | null {
    const found = this.member.partitions.find(topic, index);
    return typeof found === "number" ? null : found;
  }

  async #serve(life: Life, env: Env, member: ClusterMember, logger: Logger): Promise<void> {
    life.member = member;
    this.world.joined(this, member);
    const { metadata, partitions } = member;
    life.groups = new GroupCoordinator({ env, metadata, partitions, logger });
    await metadata.registerBroker({
      ...{ host: `host-${this.id}`, port: 9092, unclean: false },
      rack: `rack-${this.id}`,
    });
    life.groups.load();
    life.serves = true;
  }

  #settings(): BrokerSettings {
    return {
      nodeId: this.id,
      bindAddress: "127.0.0.1",
      bindPort: 9092,
      storage: "jetstream",
      dataDirectory: `/data-${this.id}`,
      flush: { mode: "always" },
      kafkaConfigs: this.world.kafkaConfigs,
      cluster: {
        engine: { kind: "managed", raftHost: "127.0.0.1", raftPort: 6222 },
        discovery: { type: "static", peers: this.world.peers },
        followerRead: true,
        allowOldEngine: false,
      },
    };
  }

  #engine(env: Env, bus: MemoryBus, link: ServerLink): ClusterEngine {
    const { world } = this;
    let brokers: () => readonly number[] = () => [];
    const logs = new JetStreamEngine({
      transport: link,
      env,
      log: (line) => world.engineLines.push(line),
      placement: {
        tagOf: serverTagOf,
        serverOf: serverNameOf,
        brokerOf: brokerIdOf,
        brokers: () => brokers(),
      },
    });
    return {
      logs,
      bus,
      facts: FACTS,
      problem: null,
      removeServer: async (id) => {
        if (world.servers.removed.includes(id)) return { kind: "unknown" };
        if (world.servers.isUp(id)) return { kind: "runs" };
        await world.servers.remove(id);
        return { kind: "removed" };
      },
      knowBrokers(source) {
        brokers = source;
      },
      close: () => logs.close(),
    };
  }
}

/** Whether it is certain that a change was not made. */
export function certainlyNot(errorCode: number): boolean {
  return errorCode !== ErrorCode.NONE && !UNCERTAIN.has(errorCode);
}

const UNCERTAIN: ReadonlySet<number> = new Set([
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.UNKNOWN_SERVER_ERROR,
]);
