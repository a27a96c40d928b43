import type { Env } from "../env/env.ts";

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/**
 * The part of etcd v3's API that discovery needs, over its JSON gateway, which writes 64-bit
 * numbers as strings, and keys and values in base64. Every method rejects if no endpoint answers.
 */
export class EtcdClient {
  readonly #endpoints: readonly string[];
  readonly #timeoutMs: number;
  readonly #network: Env["network"];
  /** Index of the endpoint that answered last, which is asked first. */
  #first = 0;

  constructor(endpoints: readonly string[], timeoutMs: number, network: Env["network"]) {
    this.#endpoints = endpoints.map((endpoint) => {
      const url = endpoint.includes("://") ? endpoint : `http://${endpoint}`;
      return url.replace(/\/+$/, "");
    });
    this.#timeoutMs = timeoutMs;
    this.#network = network;
  }

  /** Returns the lease's id. */
  async grantLease(ttlSeconds: number, signal?: AbortSignal): Promise<string> {
    const { ID } = await this.#call<{ ID: string }>("lease/grant", { TTL: ttlSeconds }, signal);
    return ID;
  }

  /** False if the lease has expired. */
  async keepLease(id: string, signal?: AbortSignal): Promise<boolean> {
    const reply = await this.#call<{ result?: { TTL?: string } }>(
      "lease/keepalive",
      { ID: id },
      signal,
    );
    return Number(reply.result?.TTL ?? 0) > 0;
  }

  async revokeLease(id: string): Promise<void> {
    await this.#call("lease/revoke", { ID: id });
  }

  async put(key: string, value: string, lease: string, signal?: AbortSignal): Promise<void> {
    await this.#call("kv/put", { key: base64(key), value: base64(value), lease }, signal);
  }

  async listPrefix(prefix: string, signal?: AbortSignal): Promise<KeyValue[]> {
    const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
    const request = { key: base64(prefix), range_end: base64(end) };
    type Reply = { kvs?: { key: string; value?: string }[] };
    const { kvs = [] } = await this.#call<Reply>("kv/range", request, signal);
    return kvs.map(({ key, value = "" }) => ({ key: text(key), value: text(value) }));
  }

  async #call<T>(method: string, body: unknown, signal?: AbortSignal): Promise<T> {
    const problems: string[] = [];
    for (let i = 0; i < this.#endpoints.length; i++) {
      const at = (this.#first + i) % this.#endpoints.length;
      const endpoint = this.#endpoints[at]!;
      try {
        const url = `${endpoint}/v3/${method}`;
        const reply = await this.#network.post(url, body, this.#timeoutMs, signal);
        // This covers 404 too, etcd's answer for an expired lease.
        if (reply.status !== 200)
          throw new Error(`HTTP ${reply.status} ${reply.body.trim().slice(0, 200)}`);
        this.#first = at;
        return JSON.parse(reply.body) as T;
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        problems.push(`${endpoint}: ${(error as Error).message}`);
      }
    }
    throw new Error(`etcd does not answer (${problems.join("; ")})`);
  }
}

const base64 = (value: string) => Buffer.from(value).toString("base64");
const text = (value: string) => Buffer.from(value, "base64").toString();
