import { run, succeed } from "./run.ts";

/**
 * Hosts for a cluster: each is a network namespace on two networks, one for the clients (and this
 * process) and one between the brokers. A host can be isolated from the other brokers or from
 * everything: its packets are lost then, not refused. Needs root. The addresses are in
 * 198.18.0.0/15, which is reserved for network tests (RFC 2544).
 */
export class ClusterNetwork {
  /** Two networks of one process must not be the same one. */
  static #next = Math.floor(Math.random() * 128);
  readonly #id: string;
  readonly #subnet: number;
  #hosts = 0;

  private constructor(subnet: number) {
    this.#subnet = subnet;
    this.#id = `tp${process.pid.toString(36)}${subnet.toString(36)}`;
  }

  /** Or the reason why this machine can't make one. */
  static async create(): Promise<ClusterNetwork | string> {
    if (process.getuid?.() !== 0) return "network namespaces take root";
    const isThere = await run("ip", ["-V"]).then(
      () => true,
      () => false,
    );
    if (!isThere) return "network namespaces take the command ip: install iproute2";
    const network = new ClusterNetwork((ClusterNetwork.#next++ % 128) * 2);
    try {
      await network.#build();
      return network;
    } catch (error) {
      await network.remove();
      return `network namespaces can't be made here: ${(error as Error).message.split("\n")[0]}`;
    }
  }

  /** The address of this process on the clients' network. */
  get ownAddress(): string {
    return this.#address("c", 254);
  }

  /** A new host: its addresses, and the command that runs a program on it. */
  async addHost(): Promise<Host> {
    const host = ++this.#hosts;
    const namespace = `${this.#id}h${host}`;
    await ip("netns", "add", namespace);
    await ip("-n", namespace, "link", "set", "lo", "up");
    for (const side of ["c", "r"] as const) {
      const outside = this.#link(host, side);
      const peer = ["type", "veth", "peer", "name", side, "netns", namespace];
      await ip("link", "add", outside, ...peer);
      await ip("link", "set", outside, "master", this.#bridge(side), "up");
      const address = `${this.#address(side, host)}/24`;
      await ip("-n", namespace, "addr", "add", address, "dev", side);
      await ip("-n", namespace, "link", "set", side, "up");
    }
    return {
      clientAddress: this.#address("c", host),
      raftAddress: this.#address("r", host),
      launcher: ["ip", "netns", "exec", namespace],
      cutOff: (from) => this.#switch(host, from, "down"),
      join: (from) => this.#switch(host, from, "up"),
    };
  }

  async remove(): Promise<void> {
    for (let host = 1; host <= this.#hosts; host++) {
      // A process may keep the namespace alive, so its links are deleted first.
      for (const side of ["c", "r"] as const)
        await run("ip", ["link", "del", this.#link(host, side)]);
      await run("ip", ["netns", "del", `${this.#id}h${host}`]);
    }
    for (const side of ["c", "r"] as const) await run("ip", ["link", "del", this.#bridge(side)]);
  }

  async #build(): Promise<void> {
    for (const side of ["c", "r"] as const) {
      await ip("link", "add", this.#bridge(side), "type", "bridge");
      await ip("link", "set", this.#bridge(side), "up");
    }
    // This process is on the clients' network.
    await ip("addr", "add", `${this.ownAddress}/24`, "dev", this.#bridge("c"));
  }

  async #switch(host: number, from: "brokers" | "everyone", state: "up" | "down"): Promise<void> {
    await ip("link", "set", this.#link(host, "r"), state);
    if (from === "everyone") await ip("link", "set", this.#link(host, "c"), state);
  }

  #address(side: "c" | "r", host: number): string {
    return `198.18.${this.#subnet + (side === "c" ? 0 : 1)}.${host}`;
  }

  #bridge(side: "c" | "r"): string {
    return `${this.#id}${side}`;
  }

  #link(host: number, side: "c" | "r"): string {
    return `${this.#id}${side}${host}`;
  }
}

export interface Host {
  readonly clientAddress: string;
  readonly raftAddress: string;
  readonly launcher: readonly string[];
  /** Drops all packets from now on. */
  cutOff(from: "brokers" | "everyone"): Promise<void>;
  join(from: "brokers" | "everyone"): Promise<void>;
}

async function ip(...args: readonly string[]): Promise<void> {
  await succeed("ip", args);
}
