import type { Socket } from "node:net";
import type { Timer } from "../env/env.ts";
import { type Arrived, SocketInfo } from "./connection-info.ts";
import { FrameReader } from "./frame-reader.ts";
import type { Gate } from "./gate.ts";
import { RefusedRequest } from "./refused-request.ts";
import type { MemoryHolder, RequestMemory } from "./request-memory.ts";
import { type InFlight, ResponseQueue } from "./response-queue.ts";
import type { Lane, PendingRequest, RequestRouter } from "./router.ts";
import type { Shared } from "./shared.ts";

const FRAME_PREFIX_BYTES = 4;

/**
 * One Kafka client's connection: keeps requests in order and applies back-pressure.
 *
 * Invariants:
 * 1. Requests begin in the order they came, and responses leave in that order.
 * 2. Several requests are in progress together only if all of them are in one lane.
 * 3. At most one request is parsed before it may begin. The others wait as bytes.
 * 4. While this connection needs the rest of a frame to continue, its socket is read: otherwise
 *    back-pressure would wait for itself. Only RequestMemory may delay that, and not for ever.
 * 5. Every byte added to the shared memory is released once: when its request is settled, or when
 *    its request is dropped.
 * 6. The requests before a failed one are answered, the requests after it are not.
 * 7. While a quota mutes this connection it begins nothing and is not read; requests in progress go
 *    on. It gives up its claim to read on when memory is scarce. It counts as idle, as in Kafka:
 *    that its peer has closed it can't be noticed, and a mute can last 24 days.
 */
export class Connection implements MemoryHolder {
  readonly #socket: Socket;
  readonly #shared: Shared;
  readonly #info: SocketInfo;
  readonly #router: RequestRouter;
  readonly #responses = new ResponseQueue();
  #frames: FrameReader;
  /** What all of these connections hold together; that of strangers until the client is known. */
  #memory: RequestMemory;
  #maxHeldBytes: number;
  /** The next request, parsed, when it may not begin yet. */
  #next: PendingRequest | null = null;
  #nextBytes = 0;
  #inFlight = 0;
  #inFlightBytes = 0;
  /** The lane of the requests in progress. */
  #lane: Lane | null = null;
  /** Bytes received whose requests are neither settled nor dropped. */
  #heldBytes = 0;
  /** Bytes written to the socket that the peer had not read when its buffer filled up. */
  #unsentBytes = 0;
  #startsThisTurn = 0;
  /** Whether the next request needs more bytes. */
  #starved = true;
  #paused = false;
  #corked = false;
  #yielded = false;
  /** What quotas have muted this connection for. */
  readonly #mutes = new Set<Timer>();
  #peerEnded = false;
  #phase: "open" | "finishing" | "closed" = "open";

  constructor(arrived: Arrived, id: number, shared: Shared) {
    const { socket, gate } = arrived;
    this.#socket = socket;
    this.#shared = shared;
    this.#memory = shared.memory;
    this.#maxHeldBytes = shared.limits.maxHeldBytes;
    this.#frames = new FrameReader(() => this.#memory.crowded, shared.limits.maxFrameBytes);
    this.#info = new SocketInfo(id, arrived, (throttleMs) => this.#mute(throttleMs));
    this.#router = gate === null ? shared.router : this.#enter(gate);
    socket.on("data", (chunk: Uint8Array) => this.received(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#ended());
    socket.on("close", () => this.#closed());
  }

  #enter(gate: Gate): RequestRouter {
    const { router, memoryOfStrangers } = this.#shared;
    this.#frames.maxFrameBytes = gate.maxFrameBytes;
    this.#memory = memoryOfStrangers;
    this.#maxHeldBytes = gate.maxFrameBytes + FRAME_PREFIX_BYTES;
    return gate.open({
      ...{ router, info: this.#info },
      authenticated: (principal, mechanism) => {
        this.#info.principal = principal;
        this.#shared.onLoggedIn(this.#info, mechanism);
        this.#trust();
      },
      refuse: (error) => this.#refuse(error),
    });
  }

  #trust(): void {
    const { memory, limits } = this.#shared;
    this.#frames.maxFrameBytes = limits.maxFrameBytes;
    this.#maxHeldBytes = limits.maxHeldBytes;
    if (this.#memory === memory) return;
    this.#memory.forget(this);
    this.#memory.release(this.#heldBytes);
    memory.add(this.#heldBytes);
    this.#memory = memory;
  }

  /** Nothing happens here until the peer sends or reads something, or until its mute ends. */
  get waitsForPeer(): boolean {
    if (this.#inFlight > 0 || this.#yielded) return false;
    return this.#mutes.size > 0 || !this.#paused || this.#unsentBytes > 0;
  }

  /** A frame has begun, and this connection waits only for the rest of it. */
  get midFrame(): boolean {
    const waits = this.#starved && this.#inFlight === 0 && this.#mutes.size === 0;
    return waits && this.#heldBytes > 0;
  }

  /** It keeps others from being read: memory is full, and the rest of its frame does not come. */
  get stallsOthers(): boolean {
    return this.midFrame && this.#memory.full;
  }

  /** No new request will come from this connection. */
  get finishing(): boolean {
    return this.#phase === "finishing" || this.#peerEnded;
  }

  /** Starts no further request, and ends when the requests in progress are answered. */
  finish(): void {
    if (this.#phase !== "open") return;
    this.#phase = "finishing";
    this.#dropWaiting();
    this.#socket.pause();
    this.#endIfDone();
  }

  roomAgain(): void {
    this.#readOrPause();
  }

  received(chunk: Uint8Array): void {
    this.#shared.stats.bytesIn += chunk.length;
    if (this.#phase !== "open") return;
    this.#heldBytes += chunk.length;
    this.#memory.add(chunk.length);
    this.#frames.push(chunk);
    this.#startsThisTurn = 0;
    this.#advance();
  }

  /** Begins the requests that may begin now, then reads on, pauses or ends. */
  #advance(): void {
    try {
      while (this.#mayBegin() && this.#take()) {
        const { lane } = this.#next!;
        if (this.#inFlight > 0 && (lane === null || lane !== this.#lane)) break;
        void this.#run(this.#next!);
      }
    } catch (error) {
      this.#fail(this.#responses.add(0), error);
    }
    this.#readOrPause();
    this.#endIfDone();
  }

  #mayBegin(): boolean {
    if (this.#phase !== "open" || this.#yielded) return false;
    const { limits, unsentBytes } = this.#shared;
    const mine = this.#socket.writableLength + this.#responses.waitingBytes;
    this.#starved = false;
    if (this.#mutes.size > 0) return false;
    if (this.#inFlight >= limits.maxInFlight || mine > limits.maxUnsentBytes) return false;
    if (this.#unsentBytes > 0 && unsentBytes > limits.maxUnsentBytesTotal) return false;
    if (this.#startsThisTurn < limits.maxStartsPerTurn) return true;
    this.#yielded = true;
    this.#shared.timers.afterThisTurn(() => this.#takeTurn());
    return false;
  }

  /** Makes `#next` the next request, if there is a whole one. Throws what the router throws. */
  #take(): boolean {
    if (this.#next !== null) return true;
    const frame = this.#frames.next();
    this.#starved = frame === null;
    if (frame === null) return false;
    this.#nextBytes = frame.length + FRAME_PREFIX_BYTES;
    this.#next = this.#router.accept(frame, this.#info);
    return true;
  }

  async #run(request: PendingRequest): Promise<void> {
    const entry = this.#responses.add(this.#nextBytes);
    this.#next = null;
    this.#lane = request.lane;
    this.#inFlight++;
    this.#inFlightBytes += entry.requestBytes;
    this.#startsThisTurn++;
    this.#shared.stats.requests++;
    try {
      this.#responses.settle(entry, await request.run());
    } catch (error) {
      this.#fail(entry, error);
    }
    this.#inFlight--;
    this.#inFlightBytes -= entry.requestBytes;
    this.#release(entry.requestBytes);
    if (this.#phase === "closed") return;
    this.#write();
    this.#advance();
  }

  /** Writes the responses that are next in order; those of one turn in one writev. */
  #write(): void {
    for (let next = this.#responses.shift(); next !== undefined; next = this.#responses.shift()) {
      if (next === null) continue;
      if (!this.#corked) {
        this.#corked = true;
        this.#socket.cork();
        process.nextTick(Connection.#uncork, this);
      }
      for (const slice of next) {
        this.#shared.stats.bytesOut += slice.length;
        this.#socket.write(slice);
      }
    }
  }

  static #uncork(connection: Connection): void {
    connection.#corked = false;
    const socket = connection.#socket;
    if (connection.#phase === "closed") return;
    socket.uncork();
    if (socket.writableNeedDrain) connection.#countUnsent(socket.writableLength);
    connection.#endIfDone();
  }

  #mute(throttleMs: number): void {
    if (this.#phase !== "open") return;
    const timer = this.#shared.timers.after(throttleMs, () => {
      this.#mutes.delete(timer);
      if (this.#mutes.size === 0) this.#takeTurn();
    });
    this.#mutes.add(timer);
    this.#memory.forget(this);
    this.#readOrPause();
  }

  #takeTurn(): void {
    this.#yielded = false;
    this.#startsThisTurn = 0;
    this.#advance();
  }

  #drained(): void {
    this.#countUnsent(0);
    this.#advance();
  }

  #countUnsent(bytes: number): void {
    this.#shared.unsentBytes += bytes - this.#unsentBytes;
    this.#unsentBytes = bytes;
  }

  #readOrPause(): void {
    if (this.#phase !== "open") return;
    const pause = !this.#mayRead();
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#socket.pause();
    else this.#socket.resume();
  }

  #mayRead(): boolean {
    if (this.#mutes.size > 0) return false;
    if (this.#heldBytes === 0) {
      this.#memory.forget(this);
      return true;
    }
    if (this.#heldBytes > this.#maxHeldBytes && !this.midFrame) return false;
    return this.#memory.admits(this, this.midFrame);
  }

  /** The peer sends no more, but may still read: its requests are answered first. */
  #ended(): void {
    this.#peerEnded = true;
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.finishing || this.#corked || this.#phase === "closed") return;
    if (this.#responses.broken) {
      this.#socket.destroySoon();
      return;
    }
    if (this.#inFlight > 0 || (this.#phase === "open" && !this.#starved)) return;
    this.#socket.end();
    // Reads until the peer ends, too: closing with unread bytes makes the kernel send a reset,
    // which may overtake the last responses.
    if (this.#phase === "finishing") this.#socket.resume();
  }

  #fail(entry: InFlight, thrown: unknown): void {
    this.#responses.settle(entry, "failed");
    this.#refuse(thrown);
  }

  #refuse(thrown: unknown): void {
    if (this.#phase === "closed") return;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const known = error instanceof RefusedRequest;
    const { reason, request } = known ? error : ({ reason: "bug", request: null } as const);
    if (this.#phase === "open") this.#shared.stats.connectionsFailed[reason]++;
    const { remoteAddress, listener } = this.#info;
    this.#shared.onRefused({ reason, request, error, remoteAddress, listener });
    this.finish();
  }

  /** Drops the requests that have not started. */
  #dropWaiting(): void {
    this.#next = null;
    this.#frames.drop();
    this.#frames = new FrameReader();
    this.#release(this.#heldBytes - this.#inFlightBytes);
    this.#memory.forget(this);
  }

  #release(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#memory.release(bytes);
  }

  #closed(): void {
    for (const timer of this.#mutes) timer.cancel();
    this.#mutes.clear();
    this.#dropWaiting();
    // Before it counts as closed: a gate may still say why it would have refused the client.
    this.#router.closed(this.#info);
    this.#phase = "closed";
    this.#countUnsent(0);
    this.#info.abort();
  }
}
