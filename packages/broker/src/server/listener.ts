import type { Socket } from "node:net";
import type { Env, Timer } from "../env/env.ts";
import { ANONYMOUS } from "../security/principal.ts";
import { BoundServer, type ListenAddress } from "./bound-server.ts";
import { Connection } from "./connection.ts";
import { type Arrived, plainAddress } from "./connection-info.ts";
import {
  type ConnectionLimits,
  ConnectionQuotas,
  type IpRateOf,
  type Place,
  UNLIMITED,
} from "./connection-quotas.ts";
import type { HttpEntrance } from "./http-entrance.ts";
import {
  CHUNK_BYTES,
  LEAST_SWEEP_INTERVAL_MS,
  SERVER_LIMITS,
  type ServerLimits,
  SWEEP_INTERVAL_MS,
} from "./limits.ts";
import type { RefusalReason, RefusedRequest } from "./refused-request.ts";
import type { RequestRouter } from "./router.ts";
import {
  memoriesBy,
  type NetworkStats,
  newCounters,
  type OnError,
  type OnLoggedIn,
  type OnRefused,
  type OnWaiting,
  type Shared,
} from "./shared.ts";
import { sniff } from "./sniff.ts";

const TOO_MANY = "too-many-connections";
const RAISE = "raise the process's limit of open files (ulimit -n)";

export interface ListenerOptions {
  /** At least one. */
  readonly addresses: readonly ListenAddress[];
  readonly router: RequestRouter;
  readonly http: HttpEntrance;
  readonly env: Pick<Env, "clock" | "timers">;
  readonly limits?: Partial<ServerLimits>;
  /** Asked for each connection, because they may change. Default: no limit. */
  readonly connectionLimits?: () => ConnectionLimits;
  /** Default: no limit. */
  readonly ipRateOf?: IpRateOf;
  readonly onError?: OnError;
  /** Called for each connection that was closed because of its input, or refused. */
  readonly onRefused?: OnRefused;
  /** Called for each client that has shown who it is, each time. */
  readonly onLoggedIn?: OnLoggedIn;
  readonly onWaiting?: OnWaiting;
}

export interface Listener {
  /** Rejects with ListenError; then there is nothing to close. */
  listen(): Promise<void>;
  /** The real port of each address; 0 while it does not listen. */
  readonly ports: readonly number[];
  /** Open connections, HTTP included. */
  readonly connections: number;
  /** A copy of the current values. */
  readonly stats: NetworkStats;
  /** Ends all connections of Kafka clients at once, without answering their requests. */
  cutKafka(): void;
  /**
   * Stops accepting and reading, waits until the requests in progress are answered, then ends the
   * connections. Connections that are still open after `graceMs` are destroyed. Never rejects.
   */
  close(options: { graceMs: number }): Promise<void>;
}

/** An open socket, and its traffic at the last sweep. */
interface Tracked extends Arrived {
  /** Null until the first bytes show the client's protocol, and for HTTP. */
  kafka: Connection | null;
  http: boolean;
  bytesMoved: number;
  movedAtMs: number;
}

/** Listens for Kafka and HTTP clients, which share each port. */
export class TcpListener implements Listener {
  readonly #servers: readonly BoundServer[];
  readonly #shared: Shared;
  readonly #http: HttpEntrance;
  readonly #env: ListenerOptions["env"];
  readonly #onError: OnError;
  readonly #onWaiting: OnWaiting;
  readonly #quotas: ConnectionQuotas;
  readonly #open = new Set<Tracked>();
  /** Refused ones that are held, so that their clients do not come again at once. */
  readonly #held = new Map<Socket, Timer>();
  #sweepTimer: Timer | null = null;
  #lastId = 0;
  #closing = false;
  #lastGone: () => void = () => {};

  constructor({
    addresses,
    router,
    http,
    env,
    limits,
    onError = () => {},
    onRefused = () => {},
    onLoggedIn = () => {},
    onWaiting = () => {},
    connectionLimits = () => UNLIMITED,
    ipRateOf = () => Number.POSITIVE_INFINITY,
  }: ListenerOptions) {
    this.#http = http;
    this.#onError = onError;
    this.#onWaiting = onWaiting;
    this.#env = env;
    const all = { ...SERVER_LIMITS, ...limits };
    this.#quotas = new ConnectionQuotas(connectionLimits, ipRateOf, env, all.listenBacklog);
    const { timers } = env;
    const shared = { router, limits: all, timers, ...memoriesBy(all), onRefused, onLoggedIn };
    this.#shared = { ...shared, stats: newCounters(), unsentBytes: 0 };
    this.#servers = addresses.map((at) => this.#bind(at));
  }

  get ports(): readonly number[] {
    return this.#servers.map(({ port }) => port);
  }

  get connections(): number {
    return this.#open.size;
  }

  get stats(): NetworkStats {
    const { stats, memory, memoryOfStrangers, unsentBytes } = this.#shared;
    const heldBytes = memory.usedBytes + memoryOfStrangers.usedBytes;
    const connectionsWaiting = this.#quotas.waiting;
    return { ...stats, heldBytes, unsentBytes, connectionsWaiting };
  }

  async listen(): Promise<void> {
    try {
      for (const server of this.#servers) await server.listen();
    } catch (error) {
      for (const server of this.#servers) server.close();
      throw error;
    }
  }

  cutKafka(): void {
    for (const { socket, kafka } of this.#open) if (kafka !== null) socket.destroy();
  }

  async close({ graceMs }: { graceMs: number }): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#quotas.close();
    const gone = new Promise<void>((resolve) => {
      this.#lastGone = resolve;
      for (const server of this.#servers) server.close(() => this.#leave(null));
    });
    for (const tracked of this.#open) {
      if (tracked.kafka !== null) tracked.kafka.finish();
      else if (!tracked.http) tracked.socket.destroy();
    }
    for (const socket of this.#held.keys()) socket.destroy();
    this.#http.close();
    const cutOff = this.#env.timers.after(graceMs, () => {
      for (const { socket } of this.#open) socket.destroy();
    });
    await gone;
    cutOff.cancel();
    this.#sweepTimer?.cancel();
  }

  #bind(at: ListenAddress): BoundServer {
    return new BoundServer(at, this.#shared, {
      onAccepted: (socket) => this.#place(socket),
      onGone: (place) => this.#quotas.leave(place),
      onArrived: (arrived) => {
        this.#accept(arrived);
        this.#tellOwner(arrived);
      },
      onHandshakeFailed: (remoteAddress, why) => {
        const reason = "tls-handshake";
        const { stats, onRefused } = this.#shared;
        stats.connectionsFailed[reason]++;
        const error = new Error(why);
        onRefused({ reason, remoteAddress, listener: at.name, request: null, error });
      },
      onDrop: (remoteAddress) => this.#refuseAbove(TOO_MANY, this.#most(), remoteAddress),
      onOutOfFiles: () => this.#refuseAbove("too-many-open-files", `and no file is left: ${RAISE}`),
      onError: (error) => this.#onError("the listener failed", { error }),
    });
  }

  /** On a listener with SASL it is the user who counts. */
  #tellOwner({ socket, listener, principal, gate }: Arrived): void {
    if (principal === ANONYMOUS || gate !== null || socket.destroyed) return;
    const remoteAddress = plainAddress(socket.remoteAddress);
    this.#shared.onLoggedIn({ principal, remoteAddress, listener }, "TLS certificate");
  }

  #most(): string {
    const isRaisable = this.#shared.limits.maxConnections < SERVER_LIMITS.maxConnections;
    return `the most there may be${isRaisable ? `: ${RAISE}` : ""}`;
  }

  #refuseAbove(reason: RefusalReason, why: string, remoteAddress = ""): void {
    const message = `${this.#open.size} connections are open, ${why}`;
    this.#refuse(reason, remoteAddress, message);
  }

  #refuse(reason: RefusalReason, remoteAddress: string, message: string): void {
    const { stats, onRefused } = this.#shared;
    stats.connectionsRefused[reason]++;
    const error = new Error(message);
    onRefused({ reason, remoteAddress, listener: null, request: null, error });
  }

  /** Null if the address may not have it. */
  #place(socket: Socket): Place | null {
    const address = plainAddress(socket.remoteAddress);
    const place = this.#quotas.accept(address);
    if ("state" in place) return place;
    const { reason, why, holdMs } = place;
    this.#refuse(reason, address, why);
    if (holdMs === 0 || this.#held.size >= this.#shared.limits.listenBacklog) socket.destroy();
    else this.#hold(socket, holdMs);
    return null;
  }

  #hold(socket: Socket, holdMs: number): void {
    socket.on("error", () => {});
    this.#held.set(
      socket,
      this.#env.timers.after(holdMs, () => socket.destroy()),
    );
    socket.on("close", () => {
      this.#held.get(socket)?.cancel();
      this.#held.delete(socket);
    });
  }

  #accept(arrived: Arrived): void {
    const { socket } = arrived;
    if (this.#open.size >= this.#shared.limits.maxConnections) {
      // The limit is that of all addresses, and a server knows only its own connections.
      this.#refuseAbove(TOO_MANY, this.#most(), plainAddress(socket.remoteAddress));
      this.#quotas.leave(arrived.place);
      socket.destroy();
      return;
    }
    const now = this.#env.clock.monotonicMs();
    const state = { kafka: null, http: false, bytesMoved: 0, movedAtMs: now };
    const tracked: Tracked = { ...arrived, ...state };
    this.#open.add(tracked);
    this.#shared.stats.connectionsAccepted++;
    // Not reported: a peer may reset its connection. "close" follows.
    socket.on("error", () => {});
    socket.on("close", () => this.#leave(tracked));
    this.#listenForFirstBytes(tracked);
    this.#sweepTimer ??= this.#armSweep();
  }

  #leave(tracked: Tracked | null): void {
    if (tracked !== null) {
      this.#open.delete(tracked);
      this.#quotas.leave(tracked.place);
    }
    if (this.#open.size === 0 && !this.#servers.some(({ listening }) => listening))
      this.#lastGone();
  }

  #listenForFirstBytes(tracked: Tracked): void {
    const { socket } = tracked;
    let bytes: Uint8Array = new Uint8Array(0);
    const end = () => socket.destroy();
    const data = (chunk: Uint8Array) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      if (tracked.place.state === "waiting") {
        // It waits to be admitted. Its end is noticed as long as it is read.
        if (bytes.length > CHUNK_BYTES) socket.pause();
        return;
      }
      const speech = sniff(bytes);
      if (speech === null) return;
      if (speech === "kafka") this.#admit(tracked, takeBytes);
      else this.#handToHttp(tracked, takeBytes());
    };
    const takeBytes = () => {
      socket.off("data", data);
      socket.off("end", end);
      return bytes;
    };
    socket.on("data", data);
    socket.on("end", end);
  }

  /** Serves a Kafka client as soon as the limits of connections allow it. HTTP has none. */
  #admit(tracked: Tracked, takeBytes: () => Uint8Array): void {
    const { socket, place } = tracked;
    const { address } = place;
    this.#quotas.enter(place, {
      admit: () => {
        const firstBytes = takeBytes();
        if (socket.isPaused()) socket.resume();
        this.#serveKafka(tracked, firstBytes);
      },
      refuse: (reason, why) => {
        this.#refuse(reason, address, why);
        socket.destroy();
      },
      wait: (why) => {
        this.#shared.stats.connectionsDelayed++;
        this.#onWaiting(address, why);
      },
    });
  }

  #serveKafka(tracked: Tracked, firstBytes: Uint8Array): void {
    tracked.kafka = new Connection(tracked, ++this.#lastId, this.#shared);
    tracked.kafka.received(firstBytes);
  }

  #handToHttp(tracked: Tracked, firstBytes: Uint8Array): void {
    const { socket, listener } = tracked;
    const { stats, onRefused } = this.#shared;
    tracked.http = true;
    this.#quotas.release(tracked.place);
    socket.pause();
    // Read now: a closed socket has no address any more.
    const remoteAddress = plainAddress(socket.remoteAddress);
    const refuse = (error: RefusedRequest) => {
      stats.connectionsFailed[error.reason]++;
      const { reason, request } = error;
      onRefused({ reason, request, error, remoteAddress, listener });
    };
    this.#http.accept({ ...tracked, refuse }, firstBytes);
  }

  #armSweep(): Timer {
    const quarterMs = this.#shared.limits.maxIdleMs / 4;
    const delayMs = Math.min(SWEEP_INTERVAL_MS, Math.max(LEAST_SWEEP_INTERVAL_MS, quarterMs));
    return this.#env.timers.after(delayMs, () => {
      this.#sweep();
      // The limits may have changed.
      this.#quotas.admitWaiting();
      this.#closeExcess();
      this.#sweepTimer = this.#open.size > 0 && !this.#closing ? this.#armSweep() : null;
    });
  }

  /** Closes idle connections. Compares byte counts, so that traffic itself costs nothing more. */
  #sweep(): void {
    const now = this.#env.clock.monotonicMs();
    for (const tracked of this.#open) {
      const { socket, kafka } = tracked;
      if (socket.destroyed) continue;
      const sent = socket.bytesWritten - socket.writableLength;
      // Bytes read from a connection that is ending are discarded, so they do not count.
      const moved = kafka?.finishing ? sent : sent + socket.bytesRead;
      const waits = kafka === null || kafka.waitsForPeer || kafka.finishing;
      if (moved !== tracked.bytesMoved || !waits) {
        tracked.bytesMoved = moved;
        tracked.movedAtMs = now;
      } else if (now - tracked.movedAtMs >= this.#allowedIdleMs(kafka)) {
        this.#shared.stats.connectionsExpired++;
        socket.destroy();
      }
    }
  }

  /** After `max.connections` was lowered: closes those that have been idle for longest. */
  #closeExcess(): void {
    if (this.#quotas.excess === 0) return;
    const counted = [...this.#open].flatMap(({ socket, kafka, movedAtMs }) => {
      return kafka === null ? [] : [{ socket, kafka, movedAtMs }];
    });
    const finishing = counted.filter(({ kafka }) => kafka.finishing).length;
    const longestIdle = counted
      .filter(({ kafka }) => !kafka.finishing)
      .sort((a, b) => a.movedAtMs - b.movedAtMs);
    const excess = Math.max(0, this.#quotas.excess - finishing);
    for (const { socket, kafka } of longestIdle.slice(0, excess)) {
      const why = "more connections were open than max.connections allows now";
      this.#refuse("too-many-connections", plainAddress(socket.remoteAddress), why);
      kafka.finish();
    }
  }

  #allowedIdleMs(kafka: Connection | null): number {
    const { maxIdleMs, farewellMs, maxStallMs } = this.#shared.limits;
    if (kafka?.finishing) return Math.min(farewellMs, maxIdleMs);
    if (kafka?.stallsOthers) return Math.min(maxStallMs, maxIdleMs);
    return maxIdleMs;
  }
}
