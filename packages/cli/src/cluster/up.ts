// `tarpan cluster up`: a whole cluster on this machine, to try it out and for tests.

import { checkNatsServer } from "@tarpan/broker/internal/command-line";
import type { Arguments } from "../args/arguments.ts";
import { brokerConfigOf } from "../config/broker-config.ts";
import { CommandError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { BrokerChild } from "./broker-child.ts";
import { writeCertificates } from "./certificates.ts";
import { type BrokerPlan, type ClusterPlan, planCluster } from "./plan.ts";
import { PrefixedLines } from "./prefixed-lines.ts";

const EXIT_INTERRUPTED = 130;
const REMIND_EVERY_MS = 10_000;
/** A broker that takes longer to shut down is killed. */
const STOP_LIMIT_MS = 30_000;

export async function clusterUp(args: Arguments, io: Io): Promise<void> {
  const plan = await planCluster(args);
  // All brokers get the same flags, so an error in them is reported once.
  if (io.env.TARPAN_PROGRAM === undefined) await checkBroker(plan.brokers[0]!, io);
  await writeCertificates(plan.dataDirectory, plan.brokers);
  await new LocalCluster(plan, io).run();
}

async function checkBroker({ flags }: BrokerPlan, io: Io): Promise<void> {
  const { settings } = await brokerConfigOf(flags, io);
  await checkNatsServer(settings);
}

class LocalCluster {
  readonly #plan: ClusterPlan;
  readonly #io: Io;
  readonly #children: readonly BrokerChild[];
  readonly #running = new Set<BrokerChild>();
  readonly #ready = new Map<BrokerChild, string>();
  #stopping = false;

  constructor(plan: ClusterPlan, io: Io) {
    this.#plan = plan;
    this.#io = io;
    const lines = new PrefixedLines(io);
    this.#children = plan.brokers.map((broker) => {
      const onLine = (line: string) => lines.write(broker.nodeId, line);
      return new BrokerChild({ plan: broker, env: io.env, onLine });
    });
  }

  /** Resolves when a signal has stopped all brokers; rejects when all end without a signal. */
  async run(): Promise<void> {
    const signalled = this.#firstSignal();
    const allEnded = Promise.all(this.#children.map((child) => this.#watch(child)));
    this.#say(`starting ${this.#children.length} brokers in ${this.#plan.dataDirectory}`);
    void this.#tellReady();
    await Promise.race([signalled, allEnded]);
    if (!this.#stopping)
      throw new CommandError("all brokers have ended; see their last lines above for the reasons");
    await this.#stop();
  }

  /** Resolves on the first SIGINT or SIGTERM; a second kills all brokers. */
  #firstSignal(): Promise<void> {
    return new Promise((resolve) => {
      const onSignal = () => {
        if (this.#stopping) {
          for (const child of this.#running) child.kill();
          process.exit(EXIT_INTERRUPTED);
        }
        this.#stopping = true;
        resolve();
      };
      this.#io.on("SIGINT", onSignal);
      this.#io.on("SIGTERM", onSignal);
    });
  }

  async #watch(child: BrokerChild): Promise<void> {
    this.#running.add(child);
    const how = await child.ended;
    this.#running.delete(child);
    this.#ready.delete(child);
    const { nodeId } = child.plan;
    if (this.#stopping) return this.#say(`broker ${nodeId} has stopped`);
    if (this.#running.size === 0) return this.#say(`broker ${nodeId} has ended (${how})`);
    this.#say(
      `broker ${nodeId} has ended (${how}); the others go on. To start it again:\n` +
        `  ${commandOf(child.plan)}`,
    );
  }

  async #tellReady(): Promise<void> {
    const reminder = setInterval(() => this.#tellProgress(), REMIND_EVERY_MS);
    await Promise.all(
      this.#children.map(async (child) => {
        const address = await child.ready;
        if (address === null) return;
        this.#ready.set(child, address);
        if (this.#ready.size < this.#children.length) this.#tellProgress();
      }),
    );
    clearInterval(reminder);
    if (this.#ready.size > 0 && !this.#stopping) this.#io.stdout.write(this.#summary());
  }

  #tellProgress(): void {
    const { length } = this.#children;
    if (!this.#stopping) this.#say(`waiting for brokers: ${this.#ready.size} of ${length} ready`);
  }

  #summary(): string {
    // In the order of their ids, not in the order in which they became ready.
    const addresses = this.#children.flatMap((child) => this.#ready.get(child) ?? []);
    const count =
      addresses.length === this.#children.length
        ? `all ${addresses.length} brokers`
        : `${addresses.length} of ${this.#children.length} brokers`;
    const first = addresses[0]!;
    const at = first.endsWith(":9092") ? "" : ` --bootstrap ${first}`;
    return `${count} are ready: ${addresses.join(",")} (data in ${this.#plan.dataDirectory})
try: npx tarpan topic create${at} --topic test --partitions 3 --replicas 3
     npx tarpan produce${at} --topic test --message Hello
     npx tarpan consume${at} --topic test --offset earliest     or: kcat -b ${first} -L
     npx tarpan cluster status${at}
Ctrl-C stops them all.
`;
  }

  async #stop(): Promise<void> {
    this.#say("stopping all brokers; a second signal kills them");
    const ended = this.#children.map((child) => child.ended);
    for (const child of this.#running) child.stop();
    const killer = setTimeout(() => {
      for (const child of this.#running) {
        this.#say(`broker ${child.plan.nodeId} does not stop and is killed`);
        child.kill();
      }
    }, STOP_LIMIT_MS);
    await Promise.all(ended);
    clearTimeout(killer);
  }

  #say(what: string): void {
    this.#io.stderr.write(`${what}\n`);
  }
}

function commandOf({ flags }: BrokerPlan): string {
  const quoted = flags.map((flag) => (/^[\w@%+=:,./-]+$/.test(flag) ? flag : `'${flag}'`));
  return `npx tarpan broker ${quoted.join(" ")}`;
}
