import { connect, type Socket } from "node:net";
import { expect } from "vitest";
import {
  type ConnectionLimits,
  type IpRateOf,
  UNLIMITED,
} from "../../src/server/connection-quotas.ts";
import { FrameReader } from "../../src/server/frame-reader.ts";
import type { Gate } from "../../src/server/gate.ts";
import type { HttpEntrance } from "../../src/server/http-entrance.ts";
import type { ServerLimits } from "../../src/server/limits.ts";
import { type Listener, TcpListener } from "../../src/server/listener.ts";
import { type RefusedConnection, RefusedRequest } from "../../src/server/refused-request.ts";
import type {
  ConnectionInfo,
  Lane,
  PendingRequest,
  RequestRouter,
} from "../../src/server/router.ts";
import { ManualTime } from "../env/manual-time.ts";

/** The first byte of a test request says how it is handled; the rest is its text. */
export const Kind = {
  echo: 0,
  /** Pipelined; answered when the test calls `answer`. */
  held: 1,
  /** Not pipelined; answered when the test calls `answer`. */
  alone: 2,
  /** Not pipelined; its uint32 is the size of the response in bytes. */
  big: 3,
  refused: 4,
  failing: 5,
  silent: 6,
  /** Like `held`, in another lane. */
  heldToo: 7,
} as const;

function laneOf(kind: number): Lane | null {
  if (kind === Kind.alone || kind === Kind.big) return null;
  return kind === Kind.heldToo ? "group" : "produce";
}

interface Held {
  readonly text: string;
  answer(): void;
  fail(): void;
}

/** A router for tests: its requests echo, wait, fail or are refused. */
export class ToyRouter implements RequestRouter {
  readonly begun: string[] = [];
  readonly held: Held[] = [];
  readonly closedIds: number[] = [];
  readonly infos = new Map<number, ConnectionInfo>();
  runs = 0;
  #watchers: (() => void)[] = [];

  accept(frame: Uint8Array, connection: ConnectionInfo): PendingRequest {
    this.infos.set(connection.id, connection);
    const kind = frame[0];
    if (kind === undefined || kind > Kind.heldToo) throw new Error("no such request");
    if (kind === Kind.refused) throw new RefusedRequest("unparsable", "refused");
    const body = frame.subarray(1);
    return {
      lane: laneOf(kind),
      run: () => this.#run(kind, body),
    };
  }

  closed(connection: ConnectionInfo): void {
    this.closedIds.push(connection.id);
    this.#changed();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  async #run(kind: number, body: Uint8Array): Promise<readonly Uint8Array[] | null> {
    this.runs++;
    if (kind === Kind.silent) return null;
    if (kind === Kind.failing) throw new Error("failing");
    if (kind === Kind.big) return [prefix(Buffer.from(body).readUInt32BE()), ...bigSlices(body)];
    if (kind === Kind.echo) return [prefix(body.length), body];
    const text = Buffer.from(body).toString();
    this.begun.push(text);
    return new Promise((resolve, reject) => {
      const answer = () => resolve([prefix(body.length), body]);
      this.held.push({ text, answer, fail: () => reject(new Error("failed late")) });
      this.#changed();
    });
  }

  /** Answers the oldest held request with this text. */
  answer(text: string): void {
    this.#takeHeld(text).answer();
  }

  fail(text: string): void {
    this.#takeHeld(text).fail();
  }

  #takeHeld(text: string): Held {
    const index = this.held.findIndex((held) => held.text === text);
    if (index < 0) throw new Error(`nothing held as ${text}`);
    return this.held.splice(index, 1)[0]!;
  }

  #changed(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}

function prefix(length: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

const SLICE = new Uint8Array(65_536);
function bigSlices(body: Uint8Array): Uint8Array[] {
  const slices: Uint8Array[] = [];
  for (let rest = Buffer.from(body).readUInt32BE(); rest > 0; rest -= SLICE.length) {
    slices.push(rest >= SLICE.length ? SLICE : SLICE.subarray(0, rest));
  }
  return slices;
}

export function frame(kind: number, body: string | Uint8Array = ""): Buffer {
  const bytes = Buffer.from(body as string);
  return Buffer.concat([prefix(bytes.length + 1), Buffer.of(kind), bytes]);
}

export function bigRequest(sizeBytes: number): Buffer {
  return frame(Kind.big, prefix(sizeBytes));
}

/** A raw client that collects response frames. */
export class Client {
  readonly socket: Socket;
  readonly responses: string[] = [];
  /** Body bytes of all responses so far. */
  receivedBytes = 0;
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | null = null;
  readonly #frames = new FrameReader();
  #wake: () => void = () => {};

  constructor(port: number, { reading = true, allowHalfOpen = false } = {}) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen, noDelay: true });
    this.socket.on("error", (error) => {
      this.error = error;
    });
    this.socket.on("end", () => {
      this.ended = true;
    });
    this.socket.on("close", () => {
      this.closed = true;
      this.#wake();
    });
    if (reading) this.read();
  }

  read(): void {
    this.socket.on("data", (chunk) => {
      this.#frames.push(chunk);
      for (let next = this.#frames.next(); next !== null; next = this.#frames.next()) {
        this.receivedBytes += next.length;
        this.responses.push(next.length > 1000 ? `${next.length}` : Buffer.from(next).toString());
      }
      this.#wake();
    });
  }

  send(...frames: Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  async responsesReach(count: number): Promise<string[]> {
    while (this.responses.length < count) {
      if (this.closed) throw new Error(`closed after ${this.responses.length} of ${count}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.responses;
  }

  async untilClosed(): Promise<void> {
    if (!this.closed) await new Promise((resolve) => this.socket.once("close", resolve));
  }
}

const NO_HTTP: HttpEntrance = {
  accept: ({ socket }) => void socket.destroy(),
  close: () => {},
};

export interface Served {
  readonly listener: Listener;
  readonly router: ToyRouter;
  readonly time: ManualTime;
  readonly refused: RefusedConnection[];
  /** Why connections had to wait. */
  readonly delays: string[];
  client(options?: { reading?: boolean; allowHalfOpen?: boolean }): Client;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A listener on a free loopback port with a ToyRouter; closed when the test leaves its scope. */
export async function serve(
  limits: Partial<ServerLimits> = {},
  http: HttpEntrance = NO_HTTP,
  connectionLimits: () => ConnectionLimits = () => UNLIMITED,
  ipRateOf: IpRateOf = () => Number.POSITIVE_INFINITY,
  gate: Gate | null = null,
): Promise<Served> {
  const router = new ToyRouter();
  const time = new ManualTime();
  const refused: RefusedConnection[] = [];
  const clients: Client[] = [];
  const delays: string[] = [];
  const onWaiting = (_address: string, why: string) => void delays.push(why);
  const onRefused = (one: RefusedConnection) => void refused.push(one);
  const env = { clock: time, timers: time };
  const listener = new TcpListener({
    ...{
      addresses: [{ name: "PLAINTEXT", host: "127.0.0.1", port: 0, tls: null, gate }],
      router,
      http,
      env,
      limits,
      connectionLimits,
      ipRateOf,
    },
    ...{ onRefused, onWaiting },
  });
  await listener.listen();
  const close = async () => {
    for (const { socket } of clients) socket.destroy();
    const closed = listener.close({ graceMs: 1 });
    time.advance(1);
    await closed;
    for (const held of router.held) held.answer();
    await new Promise((resolve) => setImmediate(resolve));
    // After every test, all counted request memory must have been released.
    expect(listener.connections).toBe(0);
    expect(listener.stats).toMatchObject({ heldBytes: 0, unsentBytes: 0 });
  };
  const client = (options?: { reading?: boolean; allowHalfOpen?: boolean }) => {
    const made = new Client(listener.ports[0]!, options);
    clients.push(made);
    return made;
  };
  return { listener, router, time, refused, delays, client, [Symbol.asyncDispose]: close };
}

/** Lets sockets and timers of both sides run until `condition` holds. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Runs until no bytes were sent or received for a while: everything that can wait is waiting. */
export async function untilStill({ listener }: Served): Promise<void> {
  let seen = -1;
  for (let same = 0; same < 200; ) {
    await new Promise((resolve) => setImmediate(resolve));
    const { bytesIn, bytesOut } = listener.stats;
    same = bytesIn + bytesOut === seen ? same + 1 : 0;
    seen = bytesIn + bytesOut;
  }
}
