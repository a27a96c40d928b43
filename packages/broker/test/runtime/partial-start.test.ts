// A start that fails leaves nothing behind: no open file, no timer, no lock.
import { CreateTopics, encodeRequest } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { CONTROLLER_CALL_TIMEOUT_MS } from "../../src/cluster/limits.ts";
import type { BrokerSettings } from "../../src/config/settings.ts";
import type { FileSystem } from "../../src/env/env.ts";
import type { RunningBroker } from "../../src/runtime/broker-server.ts";
import type { Outside } from "../../src/runtime/outside.ts";
import { startBroker } from "../../src/runtime/start-broker.ts";
import { ClusterWorld } from "../cluster/cluster-world.ts";
import type { Life } from "../cluster/simulated-broker.ts";
import { MemoryFiles, osError } from "../env/memory-files.ts";
import { aloneOnTheMachine, type TestEnv, testEnv } from "../env/test-env.ts";
import { MemoryListener } from "./memory-listener.ts";

const settings: BrokerSettings = {
  ...{ nodeId: 1, bindAddress: "127.0.0.1", bindPort: 9092, storage: "segment", cluster: null },
  ...{ dataDirectory: "/data", flush: { mode: "always" }, kafkaConfigs: {} },
};

describe("a standalone broker", () => {
  it("undoes everything, whichever operation on its empty disk fails", async () => {
    await failEach(() => new MemoryFiles());
  });

  it("undoes everything, whichever operation fails on the disk of a killed broker", async () => {
    const left = await leftInDisorder();
    await failEach(() => left.crashedAt(left.changes.length, { kind: "process" }));
  });

  it("undoes everything if it can't listen", async () => {
    const env = testEnv();
    await expect(startBroker(settings, { env, newListener: deaf })).rejects.toThrow("no port");
    expectNothingLeft(env);
    await (await start(env)).stop();
  });

  it("undoes everything if its listener can't be made", async () => {
    const env = testEnv();
    const newListener = () => {
      throw new Error("no listener");
    };
    await expect(startBroker(settings, { env, newListener })).rejects.toThrow("no listener");
    expectNothingLeft(env);
    await (await start(env)).stop();
  });
});

describe("a broker of a cluster", () => {
  const steps: Readonly<Record<string, (servers: Outside["startServers"]) => Partial<Outside>>> = {
    "its servers don't start": () => ({
      startServers: () => Promise.reject(new Error("no servers")),
    }),
    "its servers can't be asked": (startServers) => ({
      startServers: async (cluster, options) => ({
        ...(await startServers!(cluster, options)),
        facts: () => Promise.reject(new Error("no facts")),
      }),
    }),
    "it can't listen": () => ({ newListener: deaf }),
  };

  for (const [what, fails] of Object.entries(steps)) {
    it(`undoes everything if ${what}`, async () => {
      const world = await ClusterWorld.started();
      const broker = world.broker(3);
      await world.run(broker.stop());
      const life = broker.start(fails);
      await expect(world.run(life.serving)).rejects.toThrow(/^no /);
      await expectGone(world, life);
      await world.run(broker.start().serving);
      world.check();
    });
  }

  it("undoes everything if its data directory belongs to another cluster", async () => {
    const world = await ClusterWorld.started();
    const broker = world.broker(3);
    await world.run(broker.stop());
    const id = broker.fs.contentOf("/data-3/cluster-id");
    id.reverse();
    const life = broker.start();
    const other = { code: "TARPAN_OTHER_CLUSTER" };
    await expect(world.run(life.serving)).rejects.toMatchObject(other);
    await expectGone(world, life);
    id.reverse();
    await world.run(broker.start().serving);
    world.check();
  });

  it("undoes everything, whichever operation on its disk fails", async () => {
    const world = await ClusterWorld.started();
    const broker = world.broker(3);
    await world.run(broker.stop());
    for (let failing = 1; ; failing++) {
      let uses = 0;
      broker.fs.fault = (_operation, path) => {
        if (++uses === failing) throw osError("EIO", path);
      };
      const life = broker.start();
      const failed = await world.run(failureOf(life.serving));
      broker.fs.fault = () => {};
      if (failed === null) {
        expect(failing).toBeGreaterThan(5);
        expect(uses).toBeLessThan(failing);
        break;
      }
      expect(failed).toMatchObject({ code: expect.stringMatching(/EIO|TARPAN_/) });
      await expectGone(world, life);
    }
    world.check();
  });

  it("undoes everything, whenever it is told to stop", async () => {
    const world = await ClusterWorld.started();
    const broker = world.broker(3);
    await world.run(broker.stop());
    for (let afterMs = 0; ; afterMs += 20) {
      const life = broker.start();
      const failure = failureOf(life.serving);
      await world.pass(afterMs);
      life.stopping.abort(new Error("told to stop"));
      const failed = await world.run(failure);
      if (failed === null) {
        expect(afterMs).toBeGreaterThan(100);
        break;
      }
      expect(failed).toMatchObject({ message: "told to stop" });
      await expectGone(world, life);
    }
    world.check();
  });
});

/** Starts on a disk whose first operation fails, then the second, and so on to the last. */
async function failEach(newDisk: () => MemoryFiles): Promise<void> {
  let survived = 0;
  for (let failing = 1; ; failing++) {
    const env = testEnv({ fs: newDisk() });
    const faulty = failingUse(env.fs, failing);
    const starting = start({ ...env, fs: faulty.fs }).catch((error: unknown) => error as Error);
    const outcome = await settledSoon(starting, env);
    const { wasReached } = faulty;
    faulty.stopFailing();
    if ("stop" in outcome) {
      await outcome.stop();
      survived++;
    }
    expectNothingLeft(env);
    if (!wasReached) {
      expect(failing - survived).toBeGreaterThan(10);
      return;
    }
    await (await start(env)).stop();
  }
}

function start(env: TestEnv | (Omit<TestEnv, "fs"> & { fs: FileSystem })): Promise<RunningBroker> {
  return startBroker(settings, { env, newListener: (options) => new MemoryListener(options) });
}

/** Lets time pass, because a start retries some operations on its disk. */
async function settledSoon<T>(promise: Promise<T>, { time }: TestEnv): Promise<T> {
  let isSettled = false;
  void promise.finally(() => {
    isSettled = true;
  });
  while (!isSettled) {
    await new Promise(setImmediate);
    if (!isSettled) time.advance(50);
  }
  return promise;
}

/** The files of a broker that was killed with a topic. */
async function leftInDisorder(): Promise<MemoryFiles> {
  const env = { ...testEnv(), processes: aloneOnTheMachine() };
  const listeners: MemoryListener[] = [];
  await startBroker(settings, {
    env,
    newListener: (options) => {
      listeners.push(new MemoryListener(options));
      return listeners[0]!;
    },
  });
  const [name, numPartitions] = ["t", 2];
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
  const request = { topics: [topic], timeoutMs: 1_000, validateOnly: false };
  await listeners[0]!.send(
    encodeRequest(CreateTopics, 7, { correlationId: 1, clientId: null }, request),
  );
  return env.fs;
}

/** A disk of which only the nth operation fails. */
function failingUse(fs: MemoryFiles, failing: number) {
  let uses = 0;
  let fails = true;
  const spied = new Proxy(fs, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (fails && ++uses === failing) return Promise.reject(osError("EIO", String(args[0])));
        return value.apply(target, args);
      };
    },
  });
  return {
    fs: spied as FileSystem,
    get wasReached() {
      return uses >= failing;
    },
    stopFailing() {
      fails = false;
    },
  };
}

function expectNothingLeft({ fs, time, processes }: TestEnv): void {
  const own = `/data/.lock-${processes.ownId}-`;
  expect(fs.paths().filter((path) => path.startsWith(own))).toEqual([]);
  expect({ files: fs.openFiles, timers: time.pendingTimers }).toEqual({ files: 0, timers: 0 });
}

/** Waits for calls of the controller, which end at their deadline, before it checks. */
async function expectGone(world: ClusterWorld, { process, bus }: Life): Promise<void> {
  const { fs } = world.broker(3);
  const limitMs = 2 * CONTROLLER_CALL_TIMEOUT_MS;
  await world.pass(1_000);
  await world.until("no timer is left", () => process.pendingTimers === 0, limitMs);
  // If its servers never started, its bus is not in the network.
  const isReached = [...world.network.ports.values()].includes(bus);
  const listeners = [...bus.listeners.values()].reduce((sum, { size }) => sum + size, 0);
  expect(isReached ? listeners + bus.answers.size : 0).toBe(0);
  expect(fs.paths().filter((path) => path.includes(".lock-"))).toEqual([]);
  expect(fs.openFiles).toBe(0);
}

function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => null,
    (error: unknown) => error,
  );
}

const deaf: Outside["newListener"] = (options) => {
  const listener = new MemoryListener(options);
  listener.listen = () => Promise.reject(new Error("no port"));
  return listener;
};
