import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePorts } from "./free-ports.ts";
import { peer } from "./peers.ts";
import { temporaryDirectory } from "./temp.ts";

export const etcd = peer("etcd");

const READY_LIMIT_MS = 20_000;
const CHECK_PAUSE_MS = 50;
const OUTPUT_KEPT = 10_000;

/** An etcd, started as in our guide, on ports that stay the same. */
export class EtcdProcess {
  #child: ChildProcess | null = null;
  #directory = "";
  #ports: readonly number[] = [];
  #output = "";

  /** For `--discovery-endpoints`. */
  get endpoint(): string {
    return `127.0.0.1:${this.#ports[0]}`;
  }

  /** Starts it with the data of its last run. Resolves once it is healthy. */
  async start(): Promise<void> {
    this.#directory ||= await temporaryDirectory();
    if (this.#ports.length === 0) this.#ports = await freePorts(2);
    const [client, between] = this.#ports.map((port) => `http://127.0.0.1:${port}`);
    const flags = {
      "data-dir": this.#directory,
      "listen-client-urls": client,
      "advertise-client-urls": client,
      "listen-peer-urls": between,
      "initial-advertise-peer-urls": between,
      "initial-cluster": `default=${between}`,
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const child = spawn(etcd.path, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
    });
    await this.#healthy();
  }

  async kill9(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async #healthy(): Promise<void> {
    const limit = performance.now() + READY_LIMIT_MS;
    for (;;) {
      const answer = await fetch(`http://${this.endpoint}/health`).catch(() => null);
      if (answer?.ok) return;
      if (performance.now() > limit) throw new Error(`etcd is not healthy:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, CHECK_PAUSE_MS));
    }
  }
}
