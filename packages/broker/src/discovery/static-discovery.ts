import type { Discovery } from "./discovery.ts";

/** The peers that the configuration lists. If one is down, nats-server retries by itself. */
export class StaticDiscovery implements Discovery {
  #peers: readonly string[];
  readonly problem = null;

  constructor(peers: readonly string[]) {
    this.#peers = [...new Set(peers)].sort();
  }

  async join(self: { nodeId: number; raftAddress: string }): Promise<readonly string[]> {
    this.#peers = [...new Set([...this.#peers, self.raftAddress])].sort();
    return this.#peers;
  }

  get peers(): readonly string[] {
    return this.#peers;
  }

  async close(): Promise<void> {}
}
