import { addressText, hostPort } from "../config/addresses.ts";
import type { EtcdDiscovery as EtcdSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { pause } from "../util/pause.ts";
import type { Discovery } from "./discovery.ts";
import { EtcdClient, type KeyValue } from "./etcd-client.ts";

const PREFIX = "/tarpan/brokers/";
/** The key of a broker that died is deleted after this time. */
const LEASE_SECONDS = 10;
/** How often peers are read and the lease is kept alive: the lease survives two failures. */
const REFRESH_INTERVAL_MS = 2000;
const SHOWN_KEYS = 10;
const RETRY_MS = { first: 200, longest: 5000 } as const;

/**
 * Every broker has a key with a lease that it keeps alive. A broker that can't reach etcd keeps the
 * addresses that it knows, logs the problem once, and retries.
 */
export class EtcdDiscovery implements Discovery {
  readonly #client: EtcdClient;
  readonly #env: Pick<Env, "timers">;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  #self: { readonly nodeId: number; readonly raftAddress: string } | null = null;
  #lease: string | null = null;
  #peers: readonly string[] = [];
  #problem: string | null = null;
  #ignored = "";
  #running: Promise<void> | null = null;

  constructor(settings: EtcdSettings, env: Pick<Env, "timers" | "network" | "fs">, logger: Logger) {
    this.#client = new EtcdClient(settings, env);
    this.#env = env;
    this.#logger = logger;
  }

  get peers(): readonly string[] {
    return this.#peers;
  }

  get problem(): string | null {
    return this.#problem;
  }

  /** Resolves with the first list that etcd gives. Rejects only if `close` is called before. */
  join(self: { nodeId: number; raftAddress: string }): Promise<readonly string[]> {
    this.#self = self;
    return new Promise((resolve, reject) => {
      const { signal } = this.#closing;
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#running = this.#run(resolve);
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("discovery was closed"));
    await this.#running;
    // If the lease can't be revoked, it expires.
    if (this.#lease !== null && this.#problem === null)
      await this.#client.revokeLease(this.#lease).catch(() => {});
  }

  /** Refreshes until closed; never rejects. */
  async #run(onPeers: (peers: readonly string[]) => void): Promise<void> {
    const { signal } = this.#closing;
    let retryMs: number = RETRY_MS.first;
    while (!signal.aborted) {
      try {
        await this.#refresh(signal);
        this.#setProblem(null);
        retryMs = RETRY_MS.first;
        onPeers(this.#peers);
        await pause(this.#env.timers, REFRESH_INTERVAL_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#setProblem((error as Error).message);
        await pause(this.#env.timers, retryMs, signal).catch(() => {});
        retryMs = Math.min(retryMs * 2, RETRY_MS.longest);
      }
    }
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const { nodeId, raftAddress } = this.#self!;
    const own = `${PREFIX}${nodeId}`;
    if (this.#lease !== null && !(await this.#client.keepLease(this.#lease, signal)))
      this.#lease = null;
    const before = await this.#client.listPrefix(PREFIX, signal);
    const there = addressIn(before.find(({ key }) => key === own)?.value);
    if (this.#lease === null) {
      if (there !== null && there !== raftAddress)
        this.#logger.warn(
          `etcd has another raft address for broker ${nodeId}; unless this broker has moved, ` +
            "two brokers have the same --node-id",
          { theirs: there, ours: raftAddress },
        );
      const lease = await this.#client.grantLease(LEASE_SECONDS, signal);
      await this.#client.put(own, JSON.stringify({ raftAddress }), lease, signal);
      this.#lease = lease;
      // Read again: of two brokers that start together, the one that writes later sees the other.
      this.#setPeers(await this.#client.listPrefix(PREFIX, signal));
      return;
    }
    // The key was deleted, or a broker with the same id wrote it: the next refresh writes it again.
    if (there !== raftAddress) this.#lease = null;
    this.#setPeers(before);
  }

  #setPeers(found: readonly KeyValue[]): void {
    const ignored = found.flatMap(({ key, value }) => (addressIn(value) === null ? [key] : []));
    if (ignored.length > 0 && ignored.join() !== this.#ignored)
      this.#logger.warn(
        "etcd has keys without a raft address, which no broker wrote: delete them",
        {
          keys: ignored.slice(0, SHOWN_KEYS),
        },
      );
    this.#ignored = ignored.join();
    const addresses = found.map(({ value }) => addressIn(value)).filter((text) => text !== null);
    this.#peers = [...new Set([...addresses, this.#self!.raftAddress])].sort();
  }

  #setProblem(problem: string | null): void {
    if (problem !== null && this.#problem === null)
      this.#logger.warn(
        `${problem}: brokers that run go on, but new ones can't join until etcd answers`,
      );
    if (problem === null && this.#problem !== null) this.#logger.info("etcd answers again");
    this.#problem = problem;
  }
}

/** Null if no broker wrote this value. */
function addressIn(value: string | undefined): string | null {
  try {
    const { raftAddress } = JSON.parse(value ?? "null") ?? {};
    // nats-server refuses a configuration with anything else, and the broker would not start.
    return typeof raftAddress === "string" ? addressText(hostPort(raftAddress)) : null;
  } catch {
    return null;
  }
}
