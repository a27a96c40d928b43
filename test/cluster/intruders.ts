import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { ErrorCode, Fetch, Metadata } from "@tarpan/protocol";
import { asked, basicAuth } from "../../packages/broker/test/http/raw-http.ts";
import { KafkaSocket } from "../../packages/broker/test/runtime/kafka-socket.ts";
import {
  authenticatePlain,
  authenticateScram,
  handshake,
} from "../../packages/broker/test/sasl/sasl-client.ts";
import type { ClusterNode } from "../harness/cluster-node.ts";
import { within } from "../harness/within.ts";
import { pause } from "./load/load.ts";
import { type SecuredCluster, secret } from "./secured-cluster.ts";

/** Failures are answered after 100 ms; a broker that is paused answers much later. */
const ANSWER_LIMIT_MS = 60_000;
const PAUSE_MS = 150;
const BY_NAME = 12;

/**
 * Tries to get in. Resolves to what it got (it is in), or to null if it was refused. Rejects if the
 * broker can't be asked.
 */
type Attempt = (node: ClusterNode) => Promise<string | null>;

/** Those who do not belong: they try to get in at every broker, again and again. */
export class Intruders {
  readonly #cluster: SecuredCluster;
  readonly #nodes: readonly ClusterNode[];
  readonly #refused = new Map<string, number>();
  /** Why they could not ask, the last time. */
  readonly #failures = new Map<string, string>();
  /** Who got in, and how. */
  readonly got: string[] = [];
  readonly #loops: Promise<void>[] = [];
  #isOver = false;

  constructor(cluster: SecuredCluster, nodes: readonly ClusterNode[]) {
    this.#cluster = cluster;
    this.#nodes = nodes;
  }

  /** From now on nobody may get in in this way. */
  try(who: string, attempt: Attempt): void {
    for (const node of this.#nodes) {
      this.#refused.set(`${who} at ${node.nodeId}`, 0);
      this.#loops.push(this.#again(who, node, attempt));
    }
  }

  /** Resolves when each was refused at each broker, from now on. */
  async refusedEverywhere(): Promise<void> {
    for (const key of this.#refused.keys()) this.#refused.set(key, 0);
    const untilMs = performance.now() + ANSWER_LIMIT_MS;
    while (this.got.length === 0) {
      const left = [...this.#refused].filter(([, count]) => count === 0).map(([key]) => key);
      if (left.length === 0) return;
      if (performance.now() > untilMs) {
        const why = left.map((key) => `${key} (${this.#failures.get(key)})`);
        throw new Error(`not refused: ${why.join("; ")}`);
      }
      await pause(PAUSE_MS);
    }
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  async #again(who: string, node: ClusterNode, attempt: Attempt): Promise<void> {
    const key = `${who} at ${node.nodeId}`;
    while (!this.#isOver) {
      try {
        const got = await within(ANSWER_LIMIT_MS, key, attempt(node));
        if (got === null) this.#refused.set(key, this.#refused.get(key)! + 1);
        else this.got.push(`${new Date().toISOString()} ${key}: ${got}`);
      } catch (error) {
        // It is down, paused or isolated, and lets in nobody.
        this.#failures.set(key, String(error));
      }
      await pause(PAUSE_MS);
    }
  }

  /** All that never work, whatever happens to the cluster. */
  tryAll(topic: string): void {
    const at = ({ nodeId }: ClusterNode) => this.#connection(nodeId);
    this.try("a wrong password", async (node) => {
      using client = at(node);
      return refusal(await authenticatePlain(client, "admin", secret("guess")));
    });
    this.try("a wrong proof", async (node) => {
      using client = at(node);
      return refusal(await authenticateScram(client, "SCRAM-SHA-512", "load", secret("guess")));
    });
    this.try("nobody's password", async (node) => {
      using client = at(node);
      return refusal(await authenticatePlain(client, "nobody", ""));
    });
    this.try("no TLS", (node) => answerTo(KafkaSocket.plain(this.#cluster.portOf(node.nodeId))));
    this.try("no log-in", (node) => answerTo(at(node)));
    this.try("a log-in begun", async (node) => {
      using client = at(node);
      await handshake(client, "PLAIN");
      return await answerTo(client);
    });
    this.try("a user without ACLs", (node) => this.readsAs("guest", topic, node));
    this.try("HTTP", (node) => this.#overHttp(node, {}, 401));
    const wrong = basicAuth("admin", secret("guess"));
    this.try("HTTP, a wrong password", (node) => this.#overHttp(node, wrong, 401));
    const guest = basicAuth("guest", secret("guest"));
    this.try("HTTP, a user without ACLs", (node) => this.#overHttp(node, guest, 403));
    this.try("a broker without a certificate", (node) => asBroker(node, {}));
  }

  /** Logs in and asks for a topic and its records. */
  async readsAs(user: string, topic: string, { nodeId }: ClusterNode): Promise<string | null> {
    using client = this.#connection(nodeId);
    const answer = await authenticatePlain(client, user, secret(user));
    if (answer.errorCode !== ErrorCode.NONE) throw new Error(`${user} can't log in`);
    return await reads(client, topic);
  }

  /** As a user who does not exist any more, and who is served something after it. */
  async logsInAs(user: string, { nodeId }: ClusterNode): Promise<string | null> {
    using plain = this.#connection(nodeId);
    const byPlain = await authenticatePlain(plain, user, secret(user));
    if (byPlain.errorCode === ErrorCode.NONE) return `by PLAIN: ${await topicsFor(plain)}`;
    using scram = this.#connection(nodeId);
    const byScram = await authenticateScram(scram, "SCRAM-SHA-512", user, secret(user));
    return byScram.errorCode === ErrorCode.NONE ? `by SCRAM: ${await topicsFor(scram)}` : null;
  }

  async connectedAs(user: string, { nodeId }: ClusterNode): Promise<KafkaSocket> {
    const client = this.#connection(nodeId);
    const answer = await authenticatePlain(client, user, secret(user));
    if (answer.errorCode !== ErrorCode.NONE) throw new Error(`${user} can't log in`);
    return client;
  }

  #connection(nodeId: number): KafkaSocket {
    return KafkaSocket.tls(this.#cluster.portOf(nodeId), this.#cluster.tls);
  }

  async #overHttp(
    { nodeId }: ClusterNode,
    headers: Readonly<Record<string, string>>,
    expected: number,
  ): Promise<string | null> {
    const port = this.#cluster.portOf(nodeId);
    const { status, text } = await asked(port, "GET /cluster/status", headers, this.#cluster.tls);
    if (status === expected) return null;
    if (status === 0 || status === 503) throw new Error("it does not serve");
    return text;
  }
}

type Answer = { readonly errorCode: number };

function refusal({ errorCode }: Answer): string | null {
  return errorCode === ErrorCode.SASL_AUTHENTICATION_FAILED ? null : `error ${errorCode}`;
}

/** A broker closes such a connection, and answers nothing: that it was asked is not seen. */
async function answerTo(client: KafkaSocket): Promise<string | null> {
  using asking = client;
  await new Promise((resolve, reject) => {
    asking.socket.once("error", reject).once("connect", resolve);
    if (!asking.socket.connecting) resolve(null);
  });
  return await topicsFor(asking).catch(() => null);
}

/** Rejects if the broker closes the connection. */
async function topicsFor(client: KafkaSocket): Promise<string> {
  const request = { topics: null, allowAutoTopicCreation: false };
  return JSON.stringify(await client.send(Metadata, BY_NAME, request), plainly);
}

/** What a user sees and reads of a topic; null if nothing. */
export async function reads(client: KafkaSocket, topic: string): Promise<string | null> {
  const topics = [{ name: topic }];
  const seen = await client.send(Metadata, BY_NAME, { topics, allowAutoTopicCreation: false });
  const [found] = seen.topics;
  if (found!.errorCode !== ErrorCode.TOPIC_AUTHORIZATION_FAILED) {
    return `Metadata: error ${found!.errorCode}`;
  }
  const fetched = await client.send(Fetch, BY_NAME, fetchOf(topic));
  const [partition] = fetched.responses[0]?.partitions ?? [];
  if (partition?.errorCode === ErrorCode.TOPIC_AUTHORIZATION_FAILED) return null;
  return `Fetch: ${JSON.stringify(fetched, plainly)}`;
}

function fetchOf(topic: string) {
  const partition = { partition: 0, currentLeaderEpoch: -1, fetchOffset: 0 };
  return {
    ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 1_000, isolationLevel: 0 },
    ...{ sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [] },
    topics: [{ topic, partitions: [{ ...partition, partitionMaxBytes: 1_000 }] }],
  };
}

const plainly = (_key: string, value: unknown) =>
  typeof value === "bigint" ? String(value) : value;

interface AsBroker {
  readonly cert?: string;
  readonly key?: string;
  /** What a nats-server says after the greeting to show who it is. */
  readonly says?: string;
}

/** Comes as a broker's nats-server does, and resolves to what it is told; null if refused. */
export async function asBroker(
  { raftAddress }: ClusterNode,
  { says, ...own }: AsBroker,
): Promise<string | null> {
  const [host, port] = raftAddress.split(":");
  const socket = connectTcp(Number(port), host);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const encrypted = connectTls({ socket, rejectUnauthorized: false, ...own });
  let told = "";
  return new Promise((resolve) => {
    const end = (answer: string | null) => {
      encrypted.destroy();
      resolve(answer);
    };
    encrypted.on("data", (bytes: Buffer) => {
      const isGreeting = told === "";
      told += bytes;
      if (says === undefined) end(told);
      else if (isGreeting) encrypted.write(says);
      else end(told.includes("Authorization Violation") ? null : told);
    });
    encrypted.once("error", () => end(null)).once("close", () => end(null));
  });
}
