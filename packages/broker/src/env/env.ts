/**
 * The only access to the outside world. All code below the composition root takes the parts of Env
 * that it needs as an argument, so that a test can pass a manual clock, a seeded random source and
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
  /** Null where everything has to happen on the event loop, as in a simulation. */
  readonly threads: Threads | null;
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
  /** Bytes of memory that the process may use: its container's limit, or the machine's memory. */
  memoryBytes(): number;
  /** How many files and connections it may have open at a time; null if the system can't tell. */
  openFilesMax(): number | null;
}

/** Processes of this machine, so that a lock can tell a living owner from a dead one. */
export interface Processes {
  readonly ownId: number;
  /**
   * Identifies one life of a process: process ids are used again, but this text is not. It has
   * letters, digits and `.` only. Null if no such process lives.
   */
  lifeOf(processId: number): Promise<string | null>;
}

/** Programs that the broker runs beside itself. */
export interface Programs {
  /** The path of the program of this name on PATH; null if there is none. */
  find(name: string): Promise<string | null>;
  /** Runs a program to its end. Rejects if it can't be started. */
  run(path: string, args: readonly string[]): Promise<{ code: number | null; output: string }>;
  /**
   * Starts a program in a process group of its own, so that a Ctrl-C meant for the broker does not
   * reach it. Rejects if it can't be started.
   */
  start(path: string, args: readonly string[], events: ProgramEvents): Promise<RunningProgram>;
  /** False if there is no such process any more. */
  signal(processId: number, signal: "SIGTERM" | "SIGKILL" | "SIGHUP"): boolean;
  /** A process's command line, its words joined by spaces; null if no such process lives. */
  commandLineOf(processId: number): Promise<string | null>;
  /** Keeps this process alive, which `Timers` do not, until the returned function is called. */
  keepAlive(): () => void;
}

export interface ProgramEvents {
  /** A line of its standard output. */
  onLine(line: string): void;
  /** It has ended and all its output was read. `errors`: the end of its standard error. */
  onEnd(end: { code: number | null; errors: string }): void;
}

export interface RunningProgram {
  readonly processId: number;
  /** Ends its standard input, as the death of this process would. */
  endInput(): void;
}

/** Code that runs in other threads of this process, beside the event loop. */
export interface Threads {
  /** Loads a module, by its URL, in a new thread. That it can't be loaded is told by `onEnd`. */
  start(module: string, events: ThreadEvents): RunningThread;
}

export interface ThreadEvents {
  onMessage(message: unknown): void;
  /** It has ended, for this reason. May be called more than once. */
  onEnd(reason: string): void;
}

export interface RunningThread {
  /** The buffers in `given` belong to the thread from then on. */
  post(message: unknown, given: readonly ArrayBuffer[]): void;
  end(): void;
}

/** The network, except the connections of clients and brokers. */
export interface Network {
  /** Why it is not possible to listen there now, as a system error code (`EADDRINUSE`), or null. */
  listenProblem(host: string, port: number): Promise<string | null>;
  /**
   * GETs a text. Rejects if it is longer than `maxBytes`, if it is elsewhere (a redirection), or if
   * it is not there within `timeoutMs`.
   */
  get(
    url: string,
    limits: { timeoutMs: number; maxBytes: number },
    signal: AbortSignal,
  ): Promise<{ status: number; body: string }>;
  /** POSTs JSON. Rejects if there is no answer within `timeoutMs`. */
  post(url: string, body: unknown, options: PostOptions): Promise<{ status: number; body: string }>;
}

export interface PostOptions {
  readonly timeoutMs: number;
  /** A longer answer is an error. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** For `https:`, in PEM. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/**
 * The file operations that the broker needs. Every method rejects with the operating system's error
 * (`code` is "ENOSPC", "EIO", …); the caller decides what it means.
 */
export interface FileStat {
  readonly sizeBytes: number;
  readonly isDirectory: boolean;
  /** Whether users who are neither its owner nor in its group may read or write it. */
  readonly isOpenToOthers: boolean;
  /** How many names the file has (hard links). */
  readonly links: number;
  /** When the content was last changed, ms since the epoch. */
  readonly modifiedMs: number;
}

export interface FileSystem {
  /** Opens for reading and writing; `create` makes the file if it is missing. */
  open(path: string, options: OpenOptions): Promise<File>;
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, sorted. */
  list(path: string): Promise<string[]>;
  /** Null if there is no such file or directory. */
  stat(path: string): Promise<FileStat | null>;
  /** Space of the path's volume that this process may use; null if the volume doesn't tell. */
  space(path: string): Promise<{ totalBytes: number; usableBytes: number } | null>;
  /** Null if there is no such file. */
  readFile(path: string): Promise<Uint8Array | null>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole directory. It is no error if there is none. */
  remove(path: string): Promise<void>;
  /** Makes entries created, renamed or removed in a directory survive a power failure. */
  syncDirectory(path: string): Promise<void>;
}

export interface OpenOptions {
  readonly create?: boolean;
  readonly readOnly?: boolean;
  /** O_DSYNC: a resolved write is durable, with no separate sync. */
  readonly durableWrites?: boolean;
  /** O_EXCL: with `create`, fails with EEXIST if the file exists. */
  readonly exclusive?: boolean;
  /** With `create`, only the owner can read the file. */
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
  /** Sets when the content was last changed, ms since the epoch; the next write sets it again. */
  setModified(ms: number): Promise<void>;
  close(): Promise<void>;
}
