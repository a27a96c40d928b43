/**
 * The only door to the outside world. Everything below the composition root takes the part of
 * Env it needs as an argument, so a test can hand in a manual clock, a seeded random source and
 * a disk that fails on command.
 */
export interface Env {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly fs: FileSystem;
  readonly machine: Machine;
  readonly processes: Processes;
  readonly programs: Programs;
  readonly network: Network;
}

export interface Clock {
  /** Milliseconds since the epoch. Only for record timestamps and retention: it may jump. */
  wallMs(): number;
  /** Milliseconds of a clock that never goes back. For time-outs, sessions and waits. */
  monotonicMs(): number;
}

export interface Timers {
  /** Runs `fire` once after `delayMs` (>= 0). The timer alone does not keep a process alive. */
  after(delayMs: number, fire: () => void): Timer;
  /** Runs `fire` once everything that is ready in this turn of the event loop has run. */
  afterThisTurn(fire: () => void): void;
}

export interface Timer {
  cancel(): void;
}

export interface Random {
  /** A fresh array of `length` random bytes. */
  bytes(length: number): Uint8Array;
}

/** What this process may use of the machine it runs on. */
export interface Machine {
  /** Bytes of memory there are for it: its container's, or all of the machine's. */
  memoryBytes(): number;
  /** Files and connections it may have open at a time; null where nobody can tell. */
  openFilesMax(): number | null;
}

/** Who else runs on this machine, so that a lock can tell a living owner from a dead one. */
export interface Processes {
  readonly ownId: number;
  /**
   * Names one life of a process: an id is used again, the same text never. Letters, digits and
   * `.` only. Null when no such process lives.
   */
  lifeOf(processId: number): Promise<string | null>;
}

/** Programs that the broker runs beside itself. */
export interface Programs {
  /** Where a program of that name is on PATH; null when it is nowhere. */
  find(name: string): Promise<string | null>;
  /** Runs a program to its end. Rejects when it can't be started at all. */
  run(path: string, args: readonly string[]): Promise<{ code: number | null; output: string }>;
  /**
   * Starts a program in a process group of its own, so that a Ctrl-C meant for the broker does not
   * reach it. Rejects when it can't be started.
   */
  start(path: string, args: readonly string[], events: ProgramEvents): Promise<RunningProgram>;
  /** False when there is no such process (any more). */
  signal(processId: number, signal: "SIGTERM" | "SIGKILL"): boolean;
  /** The words a process was started with, joined by spaces; null when no such process lives. */
  commandLineOf(processId: number): Promise<string | null>;
  /** Keeps this process alive, which timers do not, until the returned function is called. */
  keepAlive(): () => void;
}

export interface ProgramEvents {
  /** A line of its standard output. */
  onLine(line: string): void;
  /**
   * It has ended, and everything it wrote has been seen. `errors`: the end of what it complained.
   */
  onEnd(end: { code: number | null; errors: string }): void;
}

export interface RunningProgram {
  readonly processId: number;
  /** Ends its standard input, as the death of this process would. */
  endInput(): void;
}

/** What is reached over the network other than by a client's connection. */
export interface Network {
  /**
   * Why nobody can listen there now, in the operating system's word (`EADDRINUSE`); null when
   * one can.
   */
  listenProblem(host: string, port: number): Promise<string | null>;
  /** POSTs JSON. Rejects when there is no answer in `timeoutMs`. */
  post(
    url: string,
    body: unknown,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<{ status: number; body: string }>;
}

/**
 * Files, as the segment engine needs them. Every method rejects with the operating system's
 * error (`code` is "ENOSPC", "EIO", …): what it means is for the caller to decide.
 */
export interface FileSystem {
  /** Opens for reading and writing; `create` makes the file when it is missing. */
  open(path: string, options: OpenOptions): Promise<File>;
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, sorted. */
  list(path: string): Promise<string[]>;
  /** Null when nothing is there. */
  stat(path: string): Promise<{ sizeBytes: number; isDirectory: boolean } | null>;
  /** Of the volume that holds the path, as this process may use it; null where it doesn't tell. */
  space(path: string): Promise<{ totalBytes: number; usableBytes: number } | null>;
  readFile(path: string): Promise<Uint8Array>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole directory; nothing there is no error. */
  remove(path: string): Promise<void>;
  /** Makes entries created, renamed or removed in a directory survive a power failure. */
  syncDirectory(path: string): Promise<void>;
}

export interface OpenOptions {
  readonly create?: boolean;
  readonly readOnly?: boolean;
  /** O_DSYNC: a resolved write is durable, with no separate sync. */
  readonly durableWrites?: boolean;
  /** O_EXCL: with `create`, fails with EEXIST when the file is there. */
  readonly exclusive?: boolean;
  /** A file made is readable by its owner alone: it holds a secret. */
  readonly secret?: boolean;
}

export interface File {
  /** Writes all of `buffers` one after another at `position`; short writes are continued. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Fills `into` from `position` as far as the file reaches; returns the bytes read. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** fdatasync. A rejection means earlier writes may be lost: never call it again to retry. */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}
