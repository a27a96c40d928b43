import { Admin, Client, type PasswordOptions, type TlsOptions } from "@tarpan/client";
import type { History } from "../../history/history.ts";
import { type Key, keyOf, type OffsetAndValue } from "../../history/operation.ts";

/** How long clients wait for an answer: shorter than any fault, so that they ask other brokers. */
export const REQUEST_TIMEOUT_MS = 4_000;
/** How long producers retry: longer than any fault. */
export const DELIVERY_TIMEOUT_MS = 120_000;
export const SESSION_TIMEOUT_MS = 6_000;
export const HEARTBEAT_INTERVAL_MS = 500;

export interface LoadOptions {
  /** `host:port` of brokers, any of which may be down. */
  readonly bootstrap: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  readonly history: History;
  /** How clients encrypt and log in. Default: they do not. */
  readonly security?: Security;
  /** Where the final read asks, without encryption. Default: `bootstrap`. */
  readonly inside?: readonly string[];
}

export interface Security {
  readonly tls?: TlsOptions;
  readonly sasl?: PasswordOptions;
}

/** The state that producers and group members share: when to stop, and their progress. */
export class Load {
  readonly bootstrap: readonly string[];
  readonly topic: string;
  readonly partitions: readonly number[];
  readonly history: History;
  readonly security: Security;
  readonly inside: readonly string[];
  /** Errors that no client should ever get. */
  readonly unexpected: string[] = [];
  /** Failures that faults explain, newest last, for the message of a failed test. */
  readonly #failures: string[] = [];
  /** Records acknowledged, by partition. */
  readonly acknowledged: number[];
  /** The next offset that a group reads, by partition. */
  readonly #read = new Map<string, number[]>();
  readonly #waiting = new Set<() => void>();
  producing = true;
  consuming = true;

  constructor(options: LoadOptions) {
    const { bootstrap, topic, partitions, history, security = {}, inside = bootstrap } = options;
    this.bootstrap = bootstrap;
    this.security = security;
    this.inside = inside;
    this.topic = topic;
    this.partitions = Array.from({ length: partitions }, (_, index) => index);
    this.history = history;
    this.acknowledged = this.partitions.map(() => 0);
  }

  key(partition: number): Key {
    return keyOf(this.topic, partition);
  }

  get keys(): Key[] {
    return this.partitions.map((partition) => this.key(partition));
  }

  noteAcknowledged(partition: number, records: number): void {
    this.acknowledged[partition]! += records;
    this.changed();
  }

  notePolled(process: number, group: string, polled: ReadonlyMap<number, OffsetAndValue[]>): void {
    const records = new Map([...polled].map(([partition, read]) => [this.key(partition), read]));
    this.history.note(process, "poll", { group, records });
    const next = this.readBy(group);
    for (const [partition, read] of polled)
      next[partition] = Math.max(next[partition]!, read.at(-1)![0] + 1);
    this.changed();
  }

  noteFailure(who: string, error: unknown): void {
    const line = `${who}: ${error instanceof Error ? error.message : String(error)}`;
    if (isUnexpected(error)) this.unexpected.push(line);
    // The same time format as in the brokers' log lines, to compare them.
    this.#failures.push(`${new Date().toISOString().slice(11)} ${line}`);
    if (this.#failures.length > FAILURES_KEPT) this.#failures.shift();
  }

  /** The next offset that a group reads, by partition; the highest one if it has gone back. */
  readBy(group: string): number[] {
    const next = this.#read.get(group) ?? this.partitions.map(() => 0);
    this.#read.set(group, next);
    return next;
  }

  changed(): void {
    for (const check of this.#waiting) check();
  }

  /** Resolves once `isSo` returns true; it is called whenever the load makes progress. */
  until(what: string, limitMs: number, isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!isSo()) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`not within ${limitMs} ms: ${what}\n${this.describe()}`));
      }, limitMs);
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(check);
      };
      this.#waiting.add(check);
      check();
    });
  }

  describe(): string {
    const read = [...this.#read].map(([group, next]) => `${group} is at ${next}`);
    return [
      `acknowledged ${this.acknowledged}`,
      ...read,
      ...this.unexpected.map((each) => `unexpected: ${each}`),
      ...this.#failures,
    ].join("\n");
  }
}

const FAILURES_KEPT = 100;

const REFUSED_LOG_IN = "wrong user name or password";

/** Whether an error is fatal. The errors to be expected while brokers fail are retriable. */
function isUnexpected(error: unknown): boolean {
  const { name, code, retriable, type } = error as {
    name?: string;
    code?: unknown;
    retriable?: boolean;
    type?: string;
  };
  const kafkaName =
    name === "KafkaJSProtocolError" ? type : /^TARPAN_KAFKA_(.*)/.exec(String(code))?.[1];
  // A user who exists is let in or cut off, whatever happens to the brokers.
  if (error instanceof Error && error.message.includes(REFUSED_LOG_IN)) return true;
  if (kafkaName === undefined || retriable === true) return false;
  return !EXPECTED_BY_MEMBERS.includes(kafkaName);
}

/** Errors that group members get in rebalances and while a coordinator moves. */
const EXPECTED_BY_MEMBERS: readonly string[] = [
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
  "REBALANCE_IN_PROGRESS",
  "MEMBER_ID_REQUIRED",
  "COORDINATOR_NOT_AVAILABLE",
  "COORDINATOR_LOAD_IN_PROGRESS",
  "NOT_COORDINATOR",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
  "GROUP_LOAD_IN_PROGRESS",
];

export async function makeTopic(load: Load, replicas: number): Promise<void> {
  const client = new Client({ bootstrap: load.bootstrap, clientId: "maker", ...load.security });
  const { topic: name, partitions } = load;
  await new Admin(client).createTopic({ name, partitions: partitions.length, replicas });
  await client.close();
}

/** The offsets of a batch's records. */
export function consecutive(baseOffset: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => baseOffset + index);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
