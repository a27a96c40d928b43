import type { Machine } from "../env/env.ts";
import { shareOpenFiles } from "../env/open-files.ts";

/** Every bound of the network side. Kafka's name of a setting is given where it has one. */
export interface ServerLimits {
  /** Connections open at once. Files for log segments come out of the same descriptor budget. */
  readonly maxConnections: number;
  /** A connection on which nothing moves for this long is closed. `connections.max.idle.ms`. */
  readonly maxIdleMs: number;
  /** How long a peer may take to read its last responses before its connection is closed, ms. */
  readonly farewellMs: number;
  /** While request memory is full: how long half a frame may sit without a byte more, ms. */
  readonly maxStallMs: number;
  /**
   * Received bytes of one connection (waiting, or in requests in progress) past which it is not
   * read.
   */
  readonly maxHeldBytes: number;
  /** The same over all connections. `queued.max.request.bytes`. */
  readonly maxHeldBytesTotal: number;
  /** Requests of one connection in progress together. */
  readonly maxInFlight: number;
  /** Requests one connection may begin before the others get their turn. */
  readonly maxStartsPerTurn: number;
  /** Above so many unread response bytes of a peer, none of its further requests starts. */
  readonly maxUnsentBytes: number;
  /** The same over all connections: then only peers that have nothing unsent begin requests. */
  readonly maxUnsentBytesTotal: number;
}

const MIB = 1024 * 1024;

export const SERVER_LIMITS: ServerLimits = {
  maxConnections: 16_000,
  maxIdleMs: 600_000,
  farewellMs: 30_000,
  maxStallMs: 10_000,
  maxHeldBytes: 16 * MIB,
  maxHeldBytesTotal: 512 * MIB,
  maxInFlight: 256,
  maxStartsPerTurn: 256,
  maxUnsentBytes: 8 * MIB,
  maxUnsentBytesTotal: 512 * MIB,
};

/** Share of the memory for unanswered requests; unsent responses get the same share. */
const MEMORY_SHARE = 1 / 8;
const LEAST_SHARE_BYTES = 16 * MIB;

/** The limits above, as far as this process may go to them. */
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

/** Largest frame, without its length prefix. Kafka's default `socket.request.max.bytes`. */
export const MAX_FRAME_BYTES = 104_857_600;

/**
 * Neighbouring chunks smaller than this are merged, so that tiny packets can't cost 100x their
 * size.
 */
export const SMALL_CHUNK_BYTES = 4096;

/** A frame larger than this has its own memory while it is received, see LargeFrame. */
export const LARGE_FRAME_BYTES = 2 * MIB;
/** Bytes a socket is read by at a time. */
export const CHUNK_BYTES = 64 * 1024;
/** By how much its memory grows at a time. */
export const LARGE_FRAME_GROWTH_BYTES = MIB;

/** Connections the kernel keeps for us between its handshake and our accept. */
export const LISTEN_BACKLOG = 1024;

/** Time between two looks for idle connections, ms. */
export const SWEEP_INTERVAL_MS = 5_000;

/** After this long without traffic the kernel asks whether the peer is still there, ms. */
export const KEEP_ALIVE_DELAY_MS = 60_000;
