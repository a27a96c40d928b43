import type { Machine } from "../env/env.ts";
import { shareOpenFiles } from "../env/open-files.ts";

/** The limits of the listener and its connections, with the names of Kafka's configs. */
export interface ServerLimits {
  /** Connections open at once. Log segments use descriptors of the same budget. */
  readonly maxConnections: number;
  /** Connections that the kernel keeps until they are accepted. `socket.listen.backlog.size`. */
  readonly listenBacklog: number;
  /** Largest frame, without its length prefix. `socket.request.max.bytes`. */
  readonly maxFrameBytes: number;
  /**
   * A connection without traffic for this long is closed, ms. `connections.max.idle.ms`; may be
   * Infinity.
   */
  readonly maxIdleMs: number;
  /** How long a peer may take to read its last responses before its connection is closed, ms. */
  readonly farewellMs: number;
  /** While request memory is full: how long a partly received frame may get no more bytes, ms. */
  readonly maxStallMs: number;
  /** How long a TLS handshake may take, ms. */
  readonly handshakeTimeoutMs: number;
  /** TLS handshakes of one listener that may be in progress; further connections are closed. */
  readonly maxHandshakes: number;
  /**
   * A connection with more received bytes than this, waiting or in progress, is not read. Before a
   * log-in it is one frame.
   */
  readonly maxHeldBytes: number;
  /** The same over all connections. `queued.max.request.bytes`. */
  readonly maxHeldBytesTotal: number;
  /** Requests of one connection in progress at the same time. */
  readonly maxInFlight: number;
  /** Requests that one connection may begin before other connections get a turn. */
  readonly maxStartsPerTurn: number;
  /** A peer with more unread response bytes than this can begin no further request. */
  readonly maxUnsentBytes: number;
  /** The same over all connections: above it, only peers with no unread bytes begin requests. */
  readonly maxUnsentBytesTotal: number;
}

const MIB = 1024 * 1024;

export const SERVER_LIMITS: ServerLimits = {
  maxConnections: 16_000,
  listenBacklog: 1024,
  maxFrameBytes: 104_857_600,
  maxIdleMs: 600_000,
  farewellMs: 30_000,
  maxStallMs: 10_000,
  handshakeTimeoutMs: 10_000,
  maxHandshakes: 1_000,
  maxHeldBytes: 16 * MIB,
  maxHeldBytesTotal: 512 * MIB,
  maxInFlight: 256,
  maxStartsPerTurn: 256,
  maxUnsentBytes: 8 * MIB,
  maxUnsentBytesTotal: 512 * MIB,
};

/** Share of the memory for unanswered requests, and for unsent responses. */
const MEMORY_SHARE = 1 / 8;
const LEAST_SHARE_BYTES = 16 * MIB;

/**
 * Share of `maxHeldBytesTotal` for clients that have to log in and have not: beside it, so that
 * they take nothing from those who have.
 */
export const STRANGERS_SHARE = 1 / 8;

/** The limits above, lowered to what this process's memory and open files allow. */
export function limitsOn(machine: Machine): ServerLimits {
  const shareBytes = Math.max(LEAST_SHARE_BYTES, machine.memoryBytes() * MEMORY_SHARE);
  const { maxHeldBytesTotal, maxUnsentBytesTotal, maxConnections } = SERVER_LIMITS;
  return {
    ...SERVER_LIMITS,
    maxConnections: Math.min(maxConnections, shareOpenFiles(machine.openFilesMax()).connections),
    maxHeldBytesTotal: Math.min(maxHeldBytesTotal, shareBytes),
    maxUnsentBytesTotal: Math.min(maxUnsentBytesTotal, shareBytes),
  };
}

/**
 * Neighbouring chunks smaller than this are merged: the overhead of an object for each tiny packet
 * can be 100 times the packet.
 */
export const SMALL_CHUNK_BYTES = 4096;

/** A frame larger than this has its own memory while it is received: see LargeFrame. */
export const LARGE_FRAME_BYTES = 2 * MIB;
/** Bytes that one read of a socket returns at most. */
export const CHUNK_BYTES = 64 * 1024;
/** The memory of a LargeFrame grows in steps of this size. */
export const LARGE_FRAME_GROWTH_BYTES = MIB;

/** Time between two checks for idle connections, ms. */
export const SWEEP_INTERVAL_MS = 5_000;
export const LEAST_SWEEP_INTERVAL_MS = 100;

/** After this long without traffic the kernel sends a TCP keep-alive probe, ms. */
export const KEEP_ALIVE_DELAY_MS = 60_000;
