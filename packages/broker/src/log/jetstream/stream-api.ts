// The JetStream API with types, and with errors for refusals and missing answers.
import type { Env } from "../../env/env.ts";
import { LogError } from "../log-error.ts";
import { askRepeatedly } from "./ask-repeatedly.ts";
import {
  ASK_ANOTHER_WAITS_MS,
  ASK_LEADER_EVERY_MS,
  RAFT_LEADER_TIMEOUT_MS,
  REQUEST_TIMEOUT_MS,
  RETRY_MAX_MS,
  RETRY_MIN_MS,
} from "./limits.ts";
import type { StreamConfig } from "./stream-config.ts";
import type { DirectRead, StoredMessage } from "./transport.ts";
import { type ApiAnswer, ErrorCode, type JetStreamTransport } from "./transport.ts";

/** The servers refused a request. `code` is nats-server's err_code. */
export class JetStreamRefusal extends Error {
  readonly code: number;

  constructor(operation: string, code: number, description: string) {
    super(`JetStream refused ${operation}: ${description} (${code})`);
    this.name = "JetStreamRefusal";
    this.code = code;
  }
}

/** No server answered, or only one that could not serve the request: its outcome is unknown. */
export class NoAnswer extends Error {
  constructor(operation: string, reason = "no answer") {
    super(`JetStream ${operation}: ${reason}`);
    this.name = "NoAnswer";
  }
}

export interface StreamInfo {
  readonly config: StreamConfig;
  readonly state: {
    readonly first_seq: number;
    readonly last_seq: number;
    readonly bytes: number;
  };
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly {
      readonly name: string;
      readonly current: boolean;
      readonly offline?: boolean;
      readonly lag?: number;
    }[];
  };
}

/** Whether an error says nothing about the request, only that no server can serve it now. */
function isPassing(error: { code: number; err_code?: number }): boolean {
  if (error.err_code === ErrorCode.streamOffline) return true;
  return error.code === 503 && error.err_code !== ErrorCode.clusterRequired;
}

export class StreamApi {
  readonly transport: JetStreamTransport;
  readonly #env: Pick<Env, "clock" | "timers">;
  #isPatient = true;
  #isClosed = false;

  constructor(transport: JetStreamTransport, env: Pick<Env, "clock" | "timers">) {
    this.transport = transport;
    this.#env = env;
  }

  /** Requests without an answer are not repeated from now on. */
  endPatience(): void {
    this.#isPatient = false;
  }

  /** Ends all requests in flight, and all later ones, without an answer. */
  close(): void {
    this.endPatience();
    this.#isClosed = true;
    this.transport.close();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Rejects with JetStreamRefusal or NoAnswer. */
  async ask(
    operation: string,
    body: object | null = null,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<ApiAnswer> {
    return this.#answerOf(operation, await this.transport.request(operation, body, timeoutMs));
  }

  /**
   * Like `ask`, for reads that only a stream's Raft leader answers. Without a leader no server
   * answers, and a new leader does not see earlier requests, so the request is repeated.
   */
  async #askLeader(
    operation: string,
    body: object | null = null,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<ApiAnswer> {
    const deadlineMs = this.monotonicMs() + timeoutMs;
    const retries = Math.ceil(timeoutMs / ASK_LEADER_EVERY_MS) - 1;
    const waitsMs = new Array<number>(retries).fill(ASK_LEADER_EVERY_MS);
    const answer = await askRepeatedly(this.#env.timers, waitsMs, () => {
      return this.transport.request(operation, body, deadlineMs - this.monotonicMs());
    });
    return this.#answerOf(operation, answer);
  }

  #answerOf(operation: string, answer: ApiAnswer | null): ApiAnswer {
    if (answer === null) throw new NoAnswer(operation);
    const { error } = answer;
    if (!error) return answer;
    if (isPassing(error)) throw new NoAnswer(operation, error.description);
    throw new JetStreamRefusal(operation, error.err_code ?? error.code, error.description ?? "");
  }

  /** The Raft leader's view. Rejects with NoAnswer without a leader: a replica may lag. */
  async info(stream: string): Promise<StreamInfo> {
    const info = (await this.#askLeader(`STREAM.INFO.${stream}`)) as unknown as StreamInfo;
    if (info.cluster && !info.cluster.leader) throw new NoAnswer("STREAM.INFO", "no Raft leader");
    return info;
  }

  monotonicMs(): number {
    return this.#env.clock.monotonicMs();
  }

  /** The Raft leader's message at a sequence, null when it has none. */
  message(stream: string, sequence: number): Promise<StoredMessage | null> {
    return this.#message(stream, { seq: sequence });
  }

  /** The Raft leader's first message at or after a sequence, null when there is none. */
  next(stream: string, sequence: number, timeoutMs?: number): Promise<StoredMessage | null> {
    return this.#message(stream, { seq: sequence, next_by_subj: ">" }, timeoutMs);
  }

  /** The Raft leader's newest message of a subject, null when there is none. */
  lastOf(stream: string, subject: string): Promise<StoredMessage | null> {
    return this.#message(stream, { last_by_subj: subject });
  }

  async #message(stream: string, which: object, timeoutMs?: number): Promise<StoredMessage | null> {
    try {
      const { message } = (await this.#askLeader(`STREAM.MSG.GET.${stream}`, which, timeoutMs)) as {
        message?: { seq: number; hdrs?: string; data?: string };
      };
      if (!message) return null;
      const headers = Buffer.from(message.hdrs ?? "", "base64").toString("latin1");
      return {
        sequence: message.seq,
        messageId: /^Nats-Msg-Id: *(.*?)\r$/m.exec(headers)?.[1] ?? "",
        payload: new Uint8Array(Buffer.from(message.data ?? "", "base64")),
      };
    } catch (error) {
      if (isRefusal(error, ErrorCode.messageNotFound)) return null;
      throw error;
    }
  }

  /**
   * Reads from any replica, which may lag; see transport.ts. A paused or disconnected replica never
   * answers, so the request is repeated: another replica will probably get it.
   */
  readDirect(stream: string, wanted: DirectRead): Promise<readonly StoredMessage[] | null> {
    return askRepeatedly(this.#env.timers, ASK_ANOTHER_WAITS_MS, () => {
      return this.transport.readDirect(stream, wanted);
    });
  }

  /**
   * Repeats `work` while it rejects with NoAnswer. Rejects with LogError: `offline` after
   * `patienceMs`, `closed` when the broker is stopping.
   */
  async patiently<T>(work: () => Promise<T>, patienceMs = RAFT_LEADER_TIMEOUT_MS): Promise<T> {
    const deadlineMs = this.#env.clock.monotonicMs() + patienceMs;
    for (let paceMs = RETRY_MIN_MS; ; paceMs = Math.min(2 * paceMs, RETRY_MAX_MS)) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        if (!this.#isPatient)
          throw new LogError("closed", `${error.message}, and the broker is stopping`, {
            cause: error,
          });
        if (this.#env.clock.monotonicMs() >= deadlineMs)
          throw new LogError(
            "offline",
            `${error.message} for ${patienceMs} ms: check that a majority of NATS servers is running`,
            { cause: error },
          );
      }
      await this.wait(paceMs);
    }
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#env.timers.after(delayMs, resolve));
  }
}

export function isRefusal(error: unknown, code: number): boolean {
  return error instanceof JetStreamRefusal && error.code === code;
}
