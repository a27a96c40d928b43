import type { EtcdDiscovery as EtcdSettings } from "../config/settings.ts";
import type { Env, PostOptions } from "../env/env.ts";
import { reasonOf } from "../util/os-error.ts";

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

type Settings = Pick<EtcdSettings, "endpoints" | "timeoutMs" | "user" | "tls">;

/** An answer of etcd's that is not the one that was asked for. */
class EtcdRefusal extends Error {
  readonly status: number;

  constructor(status: number, body: string) {
    super(`HTTP ${status} ${body.trim().slice(0, 200)}`);
    this.status = status;
  }

  /** The token has expired, or etcd has begun anew, or users were changed. */
  get wantsNewToken(): boolean {
    return this.status === UNAUTHORIZED || this.message.includes("revision of auth store is old");
  }
}

const UNAUTHORIZED = 401;

/** The longest list, of a thousand brokers, has some hundred KiB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * The part of etcd v3's API that discovery needs, over its JSON gateway, which writes 64-bit
 * numbers as strings, and keys and values in base64. Every method rejects if no endpoint answers.
 * Files with a password or certificates are read at each use, because they may be renewed.
 */
export class EtcdClient {
  readonly #settings: Settings;
  readonly #endpoints: readonly string[];
  readonly #env: Pick<Env, "network" | "fs">;
  /** Index of the endpoint that answered last, which is asked first. */
  #first = 0;
  #token: string | null = null;

  constructor(settings: Settings, env: Pick<Env, "network" | "fs">) {
    this.#settings = settings;
    this.#endpoints = settings.endpoints.map((endpoint) => {
      const url = endpoint.includes("://") ? endpoint : `http://${endpoint}`;
      return url.replace(/\/+$/, "");
    });
    this.#env = env;
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
    let refuses = false;
    for (let i = 0; i < this.#endpoints.length; i++) {
      const at = (this.#first + i) % this.#endpoints.length;
      const endpoint = this.#endpoints[at]!;
      try {
        const reply = await this.#callAt<T>(endpoint, method, body, signal);
        this.#first = at;
        return reply;
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        refuses ||= error instanceof EtcdRefusal;
        problems.push(`${endpoint}: ${(error as Error).message}`);
      }
    }
    const what = refuses ? "etcd refuses this broker's requests" : "etcd does not answer";
    throw new Error(`${what} (${problems.join("; ")})`);
  }

  /** Logs in if that is needed, or needed again. */
  async #callAt<T>(endpoint: string, method: string, body: unknown, signal?: AbortSignal) {
    if (this.#settings.user === undefined) return this.#post<T>(endpoint, method, body, signal);
    const isNew = this.#token === null;
    this.#token ??= await this.#logIn(endpoint, signal);
    try {
      return await this.#post<T>(endpoint, method, body, signal);
    } catch (error) {
      if (!(error instanceof EtcdRefusal && error.wantsNewToken)) throw error;
      this.#token = null;
      if (isNew) throw error;
      this.#token = await this.#logIn(endpoint, signal);
      return this.#post<T>(endpoint, method, body, signal);
    }
  }

  async #logIn(endpoint: string, signal?: AbortSignal): Promise<string> {
    const { name, passwordFile } = this.#settings.user!;
    const password = (await this.#textOf(passwordFile)).trim();
    const request = { name, password };
    const { token } = await this.#post<Token>(endpoint, "auth/authenticate", request, signal);
    return token;
  }

  async #post<T>(
    endpoint: string,
    method: string,
    body: unknown,
    signal?: AbortSignal,
  ): Promise<T> {
    const reply = await this.#env.network.post(`${endpoint}/v3/${method}`, body, {
      timeoutMs: this.#settings.timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
      signal,
      ...(this.#token !== null && { headers: { authorization: this.#token } }),
      ...(await this.#tls()),
    });
    // This covers 404 too, etcd's answer for an expired lease.
    if (reply.status !== 200) throw new EtcdRefusal(reply.status, reply.body);
    return JSON.parse(reply.body) as T;
  }

  async #tls(): Promise<Pick<PostOptions, "tls">> {
    const { tls } = this.#settings;
    if (tls === undefined) return {};
    const { caFile, certFile, keyFile } = tls;
    return {
      tls: {
        ...(caFile !== undefined && { ca: await this.#textOf(caFile) }),
        ...(certFile !== undefined && { cert: await this.#textOf(certFile) }),
        ...(keyFile !== undefined && { key: await this.#textOf(keyFile) }),
      },
    };
  }

  async #textOf(path: string): Promise<string> {
    const bytes = await this.#env.fs.readFile(path).catch((error: unknown) => {
      throw new Error(`${path} can't be read (${reasonOf(error)})`);
    });
    if (bytes === null) throw new Error(`there is no file ${path}`);
    return new TextDecoder().decode(bytes);
  }
}

interface Token {
  readonly token: string;
}

const base64 = (value: string) => Buffer.from(value).toString("base64");
const text = (value: string) => Buffer.from(value, "base64").toString();
