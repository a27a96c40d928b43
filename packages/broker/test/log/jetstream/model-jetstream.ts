// A model of JetStream without a server. A stream's Raft leader checks compare-and-set against what
// it has proposed (not only what is committed), forgets message ids, loses uncommitted messages
// when another one is elected, and answers late or not at all. One clock and one seed decide all.
import type { Env } from "../../../src/env/env.ts";
import { ACK_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from "../../../src/log/jetstream/limits.ts";
import type {
  ApiAnswer,
  JetStreamTransport,
  OutgoingMessage,
  PublishOutcome,
  StoredMessage,
} from "../../../src/log/jetstream/transport.ts";
import type { SeededRandom } from "../../env/seeded-random.ts";
import { answerRequest } from "./model-api.ts";
import { Unanswered } from "./unanswered.ts";

export interface ModelMessage extends StoredMessage {
  readonly subject: string;
}

interface Proposal {
  readonly message: ModelMessage;
  readonly acknowledge: (outcome: PublishOutcome) => void;
}

export class ModelStream {
  config: { name: string; subjects: readonly string[]; max_msgs_per_subject?: number };
  /** Committed messages, in order. */
  messages: ModelMessage[] = [];
  firstSequence = 1;
  lastSequence = 0;
  proposals: Proposal[] = [];
  readonly ids = new Map<string, number>();
  leaderlessUntilMs = 0;

  constructor(config: ModelStream["config"]) {
    this.config = config;
  }

  find(sequence: number): ModelMessage | undefined {
    return this.messages.find((message) => message.sequence === sequence);
  }

  commit({ message, acknowledge }: Proposal): void {
    if (this.config.max_msgs_per_subject === 1)
      this.messages = this.messages.filter(({ subject }) => subject !== message.subject);
    this.messages.push(message);
    this.lastSequence = message.sequence;
    this.ids.set(message.messageId, message.sequence);
    acknowledge({ kind: "stored", stream: this.config.name, sequence: message.sequence });
  }

  purgeBefore(sequence: number): void {
    this.messages = this.messages.filter((message) => message.sequence >= sequence);
    this.firstSequence = Math.max(this.firstSequence, sequence);
  }
}

/** The fault of one publish. */
export type Fate = "fine" | "lost" | "acknowledgement lost" | "hangs uncommitted";

export interface ModelOptions {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly random: SeededRandom;
  /** Longest time that a message takes to the servers or back, ms. */
  readonly latencyMs?: number;
}

export class ModelJetStream {
  readonly streams = new Map<string, ModelStream>();
  readonly env: Pick<Env, "clock" | "timers">;
  readonly random: SeededRandom;
  readonly latencyMs: number;
  maxPayloadBytes = 8 << 20;
  /** Chooses the fault of each publish. */
  fateOf: (message: OutgoingMessage) => Fate = () => "fine";
  /** How many messages the replica that answers a direct get may lack. */
  lag: () => number = () => 0;
  /** Changes a message in the answer to a direct get; null hides it. */
  shown: (message: ModelMessage) => ModelMessage | null = (message) => message;
  /** Where STREAM.INFO says that a stream with a leader ends. Another server may answer it. */
  described: (stream: ModelStream) => number = (stream) => stream.lastSequence;
  /** Whether the replica that gets a direct get does not answer. */
  isSilent: () => boolean = () => false;
  publishes = 0;
  directReads = 0;

  constructor({ env, random, latencyMs = 0 }: ModelOptions) {
    this.env = env;
    this.random = random;
    this.latencyMs = latencyMs;
  }

  /** A connection, whose published messages arrive in order. */
  connect(): JetStreamTransport {
    return new ModelTransport(this);
  }

  stream(name: string): ModelStream {
    const stream = this.streams.get(name);
    if (!stream) throw new Error(`no stream ${name}`);
    return stream;
  }

  streamOfSubject(subject: string): ModelStream | undefined {
    const [first, second] = subject.split(".");
    const wildcard = `${first}.${second}.>`;
    return [...this.streams.values()].find(({ config }) =>
      config.subjects.some((each) => each === subject || each === wildcard),
    );
  }

  hasLeader(stream: ModelStream): boolean {
    return this.env.clock.monotonicMs() >= stream.leaderlessUntilMs;
  }

  /** Elects a new leader after `forMs`, which has only the first `kept` proposals. */
  elect(stream: ModelStream, forMs: number, kept: number): void {
    stream.leaderlessUntilMs = this.env.clock.monotonicMs() + forMs;
    const survives = stream.proposals.splice(0).slice(0, kept);
    // The new leader commits these, but their senders get no acknowledgement.
    for (const { message } of survives) stream.commit({ message, acknowledge: () => {} });
    if (this.random.chance(0.5)) stream.ids.clear();
  }

  later(work: () => void): void {
    this.env.timers.after(this.random.below(this.latencyMs + 1), work);
  }

  /** The Raft leader proposes a message, or refuses it. */
  propose(message: OutgoingMessage, fate: Fate, answer: (outcome: PublishOutcome) => void): void {
    const stream = this.streamOfSubject(message.subject);
    if (!stream || !this.hasLeader(stream)) {
      answer({ kind: "unknown", reason: "503" });
      return;
    }
    const refused = refusalOf(stream, message);
    if (refused) {
      answer(refused);
      return;
    }
    const { subject, messageId } = message;
    const sequence = stream.lastSequence + stream.proposals.length + 1;
    // A copy, because the sender may change its bytes afterwards.
    const payload = message.payload.slice();
    const acknowledge = fate === "acknowledgement lost" ? () => {} : answer;
    stream.proposals.push({ message: { sequence, subject, messageId, payload }, acknowledge });
    if (fate !== "hangs uncommitted") this.later(() => this.#commitThrough(stream, sequence));
  }

  #commitThrough(stream: ModelStream, sequence: number): void {
    while (stream.proposals[0] && stream.proposals[0].message.sequence <= sequence)
      stream.commit(stream.proposals.shift()!);
  }
}

function refusalOf(stream: ModelStream, message: OutgoingMessage): PublishOutcome | null {
  const { messageId, expectedLastSequence, expectedLastSubjectSequence } = message;
  const known = stream.ids.get(messageId);
  if (known !== undefined) return { kind: "stored", stream: stream.config.name, sequence: known };
  if (stream.proposals.some((proposal) => proposal.message.messageId === messageId))
    return { kind: "refused", errorCode: 10158, description: "duplicate in process" };
  const last = stream.lastSequence + stream.proposals.length;
  if (expectedLastSequence !== undefined && expectedLastSequence !== last)
    return { kind: "refused", errorCode: 10071, description: `wrong last sequence: ${last}` };
  if (expectedLastSubjectSequence === undefined) return null;
  const isBusy = stream.proposals.some(({ message: { subject } }) => subject === message.subject);
  if (isBusy) return { kind: "refused", errorCode: 10164, description: "wrong last sequence" };
  const lastOfSubject = stream.messages.findLast(({ subject }) => subject === message.subject);
  if ((lastOfSubject?.sequence ?? 0) === expectedLastSubjectSequence) return null;
  return { kind: "refused", errorCode: 10071, description: "wrong last sequence of the subject" };
}

class ModelTransport implements JetStreamTransport {
  readonly #model: ModelJetStream;
  #lastArrivalMs = 0;
  #arriving: (() => void)[] = [];
  readonly #unanswered = new Unanswered();

  constructor(model: ModelJetStream) {
    this.#model = model;
  }

  get maxPayloadBytes(): number {
    return this.#model.maxPayloadBytes;
  }

  publish(message: OutgoingMessage, settle: (outcome: PublishOutcome) => void): void {
    const model = this.#model;
    model.publishes += 1;
    const fate = model.fateOf(message);
    const unknown: PublishOutcome = { kind: "unknown", reason: "no answer in time" };
    if (this.#unanswered.isClosed) {
      model.env.timers.afterThisTurn(() => settle(unknown));
      return;
    }
    const once = this.#unanswered.ask<PublishOutcome>(unknown, (outcome) => {
      timeout.cancel();
      settle(outcome);
    });
    const timeout = model.env.timers.after(ACK_TIMEOUT_MS, () => once(unknown));
    if (fate === "lost") return;
    this.#arrive(() => model.propose(message, fate, (outcome) => model.later(() => once(outcome))));
  }

  close(): void {
    this.#unanswered.close();
  }

  /** Delivers messages in the order they were sent, whatever their delays. */
  #arrive(work: () => void): void {
    const { clock, timers } = this.#model.env;
    const nowMs = clock.monotonicMs();
    const delayMs = this.#model.random.below(this.#model.latencyMs + 1);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, nowMs + delayMs);
    this.#arriving.push(work);
    timers.after(this.#lastArrivalMs - nowMs, () => this.#arriving.shift()!());
  }

  request(operation: string, body: object | null): Promise<ApiAnswer | null> {
    const model = this.#model;
    if (this.#unanswered.isClosed) return Promise.resolve(null);
    return new Promise((settle) => {
      const resolve = this.#unanswered.ask<ApiAnswer | null>(null, settle);
      model.later(() => {
        const answer = answerRequest(model, operation, (body ?? {}) as Record<string, unknown>);
        model.later(() => resolve(answer));
      });
    });
  }

  readDirect(
    name: string,
    wanted: { sequence: number; messages: number; bytes: number },
  ): Promise<readonly StoredMessage[] | null> {
    const model = this.#model;
    model.directReads += 1;
    const isSilent = model.isSilent();
    if (this.#unanswered.isClosed) return Promise.resolve(null);
    return new Promise((settle) => {
      const resolve = this.#unanswered.ask<readonly StoredMessage[] | null>(null, settle);
      if (isSilent) return void model.env.timers.after(REQUEST_TIMEOUT_MS, () => resolve(null));
      model.later(() => {
        const stream = model.streams.get(name);
        const last = (stream?.lastSequence ?? 0) - model.lag();
        const found: ModelMessage[] = [];
        let bytes = 0;
        for (const message of stream?.messages ?? []) {
          if (message.sequence < wanted.sequence || message.sequence > last) continue;
          if (found.length >= wanted.messages || bytes >= wanted.bytes) break;
          const shown = model.shown(message);
          if (!shown) continue;
          found.push(shown);
          bytes += message.payload.length;
        }
        model.later(() => resolve(stream ? found : null));
      });
    });
  }
}
