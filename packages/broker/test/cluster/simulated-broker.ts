import { ErrorCode } from "@tarpan/protocol";
import type { ClusterAccess } from "../../src/cluster/cluster-access.ts";
import type { BrokerSettings } from "../../src/config/settings.ts";
import type { Env } from "../../src/env/env.ts";
import type { GroupCoordinator } from "../../src/groups/group-coordinator.ts";
import type { Metadata } from "../../src/metadata/metadata.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type { Partitions } from "../../src/partition/partitions.ts";
import type { BrokerServer } from "../../src/runtime/broker-server.ts";
import type { ClusterServers, StartServers } from "../../src/runtime/cluster-servers.ts";
import type { Outside } from "../../src/runtime/outside.ts";
import { openBroker } from "../../src/runtime/start-broker.ts";
import { MemoryFiles } from "../env/memory-files.ts";
import { SeededRandom } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";
import type { MemoryBus } from "../rpc/memory-bus.ts";
import { MemoryListener } from "../runtime/memory-listener.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import { ServerLink } from "./server-link.ts";
import { SimulatedProcess } from "./simulated-process.ts";
// Imported here: a broker imports it lazily, and the simulated clock would not wait for that.
import "../../src/runtime/clustered.ts";

const FACTS = {
  version: "2.14.10",
  replicasMax: null,
  syncInterval: "always",
  maxPayloadBytes: 8 << 20,
  problems: [],
  security: null,
};

/** What tests read of a broker in a cluster. */
interface Member extends ClusterAccess {
  readonly metadata: Metadata;
  readonly partitions: Partitions;
}

/** A broker from one start to its end. */
export interface Life {
  readonly process: SimulatedProcess;
  readonly bus: MemoryBus;
  readonly link: ServerLink;
  /** Settles when the broker has joined the cluster, before clients can connect. */
  readonly opening: Promise<BrokerServer>;
  /** Settles when clients can connect. */
  readonly serving: Promise<void>;
  readonly stopping: AbortController;
  broker: BrokerServer | null;
  /** Null before there is a broker. */
  listener: MemoryListener | null;
  member: Member | null;
  groups: GroupCoordinator | null;
  serves: boolean;
}

type Changed = (startServers: StartServers) => Partial<Outside>;

/** A broker of the simulated cluster. Only its disk outlives a stop or a kill. */
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

  /** Must only be read while the broker serves. */
  get member(): Member {
    return this.life!.member!;
  }

  get serves(): boolean {
    const { life } = this;
    return life?.serves === true && life.process.runs;
  }

  /**
   * Starts the broker. The promises of the returned `Life` tell when it has joined and when it
   * serves. `changed` returns the parts of `Outside` that the test replaces.
   */
  start(changed: Changed = () => ({})): Life {
    const { world, id } = this;
    const process = new SimulatedProcess(world.time);
    const bus = world.network.bus(`broker ${id}`, process.deliver);
    const link = new ServerLink(world.servers, process);
    const stopping = new AbortController();
    world.servers.start(id);
    const startServers = async () => this.#servers(process, bus, link);
    const opening = openBroker(this.#settings(), {
      env: this.#env(process),
      startServers,
      newListener: (options) => {
        life.listener = new MemoryListener(options);
        return life.listener;
      },
      logger: world.loggerOf(id),
      stopping: stopping.signal,
      ...changed(startServers),
    });
    const life: Life = {
      ...{ process, bus, link, opening, stopping },
      serving: opening.then((broker) => this.#serve(life, broker)),
      ...{ broker: null, listener: null, member: null, groups: null, serves: false },
    };
    this.life = life;
    // A test that cares about a failure awaits the promise itself.
    life.serving.catch(() => {});
    return life;
  }

  /** As `kill -9` of the broker and, unless `server` is false, of its server. */
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
    const life = this.life!;
    life.serves = false;
    await life.broker!.stop();
    life.process.kill();
    this.life = null;
  }

  /** The machine of the broker and its server loses its network, or gets it back. */
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

  async #serve(life: Life, broker: BrokerServer): Promise<void> {
    const { metadata, partitions, cluster } = broker.state;
    life.broker = broker;
    life.member = { ...cluster!, metadata, partitions };
    life.groups = broker.services.groups;
    this.world.joined(this, metadata);
    await broker.start();
    life.serves = true;
  }

  #env(process: SimulatedProcess): Env {
    const { world, id } = this;
    const seed = world.seed * 1_000 + id * 100 + this.#lives++;
    return {
      ...testEnv({ fs: this.fs }),
      clock: world.time,
      timers: process,
      random: new SeededRandom(seed),
    };
  }

  #settings(): BrokerSettings {
    return {
      nodeId: this.id,
      bindAddress: "127.0.0.1",
      bindPort: 9092,
      storage: "jetstream",
      dataDirectory: `/data-${this.id}`,
      flush: { mode: "always" },
      kafkaConfigs: {
        "broker.rack": `rack-${this.id}`,
        "advertised.listeners": `PLAINTEXT://host-${this.id}:9092`,
        // Timestamps of the histories' records are their ids.
        "log.retention.ms": "-1",
        ...this.world.kafkaConfigs,
      },
      cluster: {
        engine: { kind: "managed", raftHost: "127.0.0.1", raftPort: 6222 },
        discovery: { type: "static", peers: this.world.peers },
        followerRead: true,
        allowOldEngine: false,
      },
      ...(this.world.initialAdmin && { initialAdmin: this.world.initialAdmin }),
    };
  }

  #servers(process: SimulatedProcess, bus: MemoryBus, link: ServerLink): ClusterServers {
    const { world, id: ownId } = this;
    return {
      transport: link,
      bus,
      removeServer: async (id) => {
        if (world.servers.removed.includes(id)) return { kind: "unknown" };
        if (world.servers.isUp(id)) return { kind: "runs" };
        await world.servers.remove(id);
        return { kind: "removed" };
      },
      // Servers of the model have disks of their own.
      restartServer: null,
      problem: null,
      facts: async () => FACTS,
      stop: async () => {
        // A dead process does nothing.
        if (process.isDead) return new Promise<never>(() => {});
        world.network.remove(bus);
        world.servers.relieve(ownId);
        world.servers.stop(ownId);
      },
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
