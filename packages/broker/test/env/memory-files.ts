// A disk in memory that remembers every change, so that a test can ask what a crash at any moment
// could have left.
//
// Model: the content of a file survives once the file was synced (or the write was durable), names
// survive once their directory was synced. What a failed sync should have written stays readable,
// and no later sync writes it, as in Linux. For other changes the kind of crash decides. Changes
// of names survive in order, as on a journalling file system.
import type { File, FileStat, FileSystem, OpenOptions } from "../../src/env/env.ts";
import { type Change, type Crash, parentOf, survivingNames, syncedChanges } from "./crash.ts";

interface Node {
  readonly id: number;
  bytes: Uint8Array;
  size: number;
  modifiedMs: number;
}

export type Operation =
  | "write"
  | "sync"
  | "read"
  | "open"
  | "truncate"
  | "syncDirectory"
  | "rename";
/** Throws the error with which the operation shall fail. */
export type Fault = (operation: Operation, path: string) => void;

const SECTOR_BYTES = 512;

export class MemoryFiles implements FileSystem {
  readonly changes: Change[] = [];
  readonly #names = new Map<string, Node | "directory">();
  #nodes = 0;
  #openFiles = 0;
  /** Calls by name of the operation. */
  readonly calls = new Map<string, number>();
  fault: Fault = () => {};
  /** The wall clock. */
  nowMs: () => number = () => 0;
  /**
   * Whether a durable write that fails stays in the cache: reads find it until power is lost. Then
   * its error came from the sync.
   */
  failedWritesStay = false;
  /** How many bytes the disk can hold. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** How many files may be open at once. */
  openFilesMax = Number.POSITIVE_INFINITY;

  get openFiles(): number {
    return this.#openFiles;
  }

  async open(path: string, options: OpenOptions): Promise<File> {
    await this.#called("open", path);
    if (this.#openFiles >= this.openFilesMax) throw osError("EMFILE", path);
    let node = this.#names.get(path);
    if (node === "directory") throw osError("EISDIR", path);
    if (node && options.exclusive) throw osError("EEXIST", path);
    if (!node) {
      if (!options.create) throw osError("ENOENT", path);
      if (!this.#isDirectory(parentOf(path))) throw osError("ENOENT", path);
      node = this.#make(path);
      this.changes.push({ kind: "make", path, node: node.id });
    }
    this.#openFiles += 1;
    return this.#fileOf(node, path, options.durableWrites ?? false);
  }

  async makeDirectory(path: string): Promise<void> {
    const missing: string[] = [];
    for (let at = path; !this.#isDirectory(at); at = parentOf(at)) missing.unshift(at);
    for (const each of missing) {
      if (this.#names.has(each)) throw osError("ENOTDIR", each);
      this.#names.set(each, "directory");
      this.changes.push({ kind: "make", path: each, node: null });
    }
  }

  async space(): Promise<{ totalBytes: number; usableBytes: number }> {
    const totalBytes = Math.min(this.capacityBytes, Number.MAX_SAFE_INTEGER);
    return { totalBytes, usableBytes: totalBytes - this.#usedBytes() };
  }

  async list(path: string): Promise<string[]> {
    if (!this.#isDirectory(path)) throw osError("ENOENT", path);
    const names = [...this.#names.keys()].filter(
      (name) => parentOf(name) === path && name !== path,
    );
    return names.map((name) => name.slice(path.length + 1)).sort();
  }

  async stat(path: string): Promise<FileStat | null> {
    const node = path === "/" ? "directory" : this.#names.get(path);
    if (!node) return null;
    const isDirectory = node === "directory";
    const known = { isDirectory, isOpenToOthers: false, links: 1 };
    if (isDirectory) return { sizeBytes: 0, ...known, modifiedMs: 0 };
    return { sizeBytes: node.size, ...known, modifiedMs: node.modifiedMs };
  }

  async readFile(path: string): Promise<Uint8Array | null> {
    if (!this.#names.has(path)) return null;
    if (this.#openFiles >= this.openFilesMax) throw osError("EMFILE", path);
    this.#openFiles += 1;
    try {
      await this.#called("read", path);
      return this.contentOf(path).slice();
    } finally {
      this.#openFiles -= 1;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#called("rename", from);
    if (!this.#names.has(from)) throw osError("ENOENT", from);
    this.#rename(from, to);
    this.changes.push({ kind: "rename", path: from, to });
  }

  async remove(path: string): Promise<void> {
    for (const name of this.#within(path)) {
      const node = this.#names.get(name)!;
      this.#names.delete(name);
      this.changes.push({
        kind: "remove",
        path: name,
        node: node === "directory" ? null : node.id,
      });
    }
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#called("syncDirectory", path);
    if (!this.#isDirectory(path)) throw osError("ENOENT", path);
    this.changes.push({ kind: "syncDirectory", path });
  }

  /** The bytes of a file, not copied: a test may change them to damage the file. */
  contentOf(path: string): Uint8Array {
    const node = this.#names.get(path);
    if (!node || node === "directory") throw osError("ENOENT", path);
    return node.bytes.subarray(0, node.size);
  }

  /** Every path, sorted. */
  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** A new disk, as a crash may leave it after the first `count` changes. */
  crashedAt(count: number, crash: Crash): MemoryFiles {
    const after = new MemoryFiles();
    const nodes = new Map<number, Node>();
    const made = this.changes.slice(0, count);
    const isSynced = syncedChanges(made);
    const nameSurvives = survivingNames(made, crash);
    for (const [i, change] of made.entries()) {
      if (change.kind === "write" || change.kind === "truncate") {
        const isDurable = change.kind === "write" && change.durable;
        after.#replayContent(nodes, change, isDurable || isSynced(i), crash);
      } else if (change.kind === "make" || change.kind === "remove" || change.kind === "rename")
        if (nameSurvives(i)) after.#replayName(nodes, change);
    }
    // Paths are sorted: a directory that is lost comes before what it held.
    for (const name of after.paths())
      if (!after.#isDirectory(parentOf(name))) after.#names.delete(name);
    after.#nodes = this.#nodes;
    // If only the process died, unsynced changes are still unsynced.
    if (crash.kind === "process") after.changes.push(...made);
    else after.#settle();
    return after;
  }

  #replayContent(
    nodes: Map<number, Node>,
    change: Extract<Change, { kind: "write" | "truncate" }>,
    synced: boolean,
    crash: Crash,
  ): void {
    const node = nodeOf(nodes, change.node);
    const isKept = synced || crash.kind === "process";
    const pieceIsKept = () => isKept || (crash.kind === "torn" && crash.random.chance(0.5));
    if (change.kind === "truncate") {
      if (pieceIsKept()) resize(node, change.sizeBytes);
      return;
    }
    for (let at = 0; at < change.bytes.length; at += SECTOR_BYTES)
      if (pieceIsKept())
        put(node, change.position + at, change.bytes.subarray(at, at + SECTOR_BYTES));
  }

  #replayName(
    nodes: Map<number, Node>,
    change: Extract<Change, { kind: "make" | "remove" | "rename" }>,
  ): void {
    if (change.kind === "make")
      this.#names.set(change.path, change.node === null ? "directory" : nodeOf(nodes, change.node));
    else if (change.kind === "remove") this.#names.delete(change.path);
    else if ("to" in change) this.#rename(change.path, change.to);
  }

  /** Marks everything that survived the crash as synced. */
  #settle(): void {
    for (const [path, node] of this.#names) {
      this.changes.push({ kind: "make", path, node: node === "directory" ? null : node.id });
      if (node === "directory") continue;
      const bytes = node.bytes.slice(0, node.size);
      this.changes.push({ kind: "write", node: node.id, position: 0, bytes, durable: true });
    }
    for (const [path, node] of this.#names)
      if (node === "directory") this.changes.push({ kind: "syncDirectory", path });
    this.changes.push({ kind: "syncDirectory", path: "/" });
  }

  #fileOf(node: Node, path: string, durable: boolean): File {
    return {
      write: async (buffers, position) => {
        try {
          await this.#called("write", path);
        } catch (error) {
          if (!durable || !this.failedWritesStay) throw error;
          const bytes = joined(buffers);
          put(node, position, bytes);
          this.changes.push({ kind: "write", node: node.id, position, bytes, durable: false });
          this.changes.push({ kind: "syncFailed", node: node.id });
          throw error;
        }
        let at = position;
        for (const buffer of buffers) {
          const room = this.capacityBytes - this.#usedBytes() + Math.max(0, node.size - at);
          const bytes = buffer.slice(0, Math.max(0, room));
          put(node, at, bytes);
          node.modifiedMs = this.nowMs();
          this.changes.push({ kind: "write", node: node.id, position: at, bytes, durable });
          at += bytes.length;
          if (bytes.length < buffer.length) throw osError("ENOSPC", path);
        }
      },
      read: async (into, position) => {
        await this.#called("read", path);
        const bytes = node.bytes.subarray(position, Math.min(node.size, position + into.length));
        into.set(bytes);
        return bytes.length;
      },
      sync: async () => {
        try {
          await this.#called("sync", path);
          this.changes.push({ kind: "sync", node: node.id });
        } catch (error) {
          this.changes.push({ kind: "syncFailed", node: node.id });
          throw error;
        }
      },
      truncate: async (sizeBytes) => {
        await this.#called("truncate", path);
        resize(node, sizeBytes);
        node.modifiedMs = this.nowMs();
        this.changes.push({ kind: "truncate", node: node.id, sizeBytes });
      },
      sizeBytes: async () => node.size,
      setModified: async (ms) => {
        node.modifiedMs = ms;
      },
      close: async () => {
        this.#openFiles -= 1;
      },
    };
  }

  async #called(operation: Operation, path: string): Promise<void> {
    this.calls.set(operation, (this.calls.get(operation) ?? 0) + 1);
    await Promise.resolve();
    this.fault(operation, path);
  }

  #make(path: string): Node {
    const node = newNode(this.#nodes++);
    node.modifiedMs = this.nowMs();
    this.#names.set(path, node);
    return node;
  }

  #rename(from: string, to: string): void {
    for (const name of this.#within(to)) this.#names.delete(name);
    for (const name of this.#within(from)) {
      this.#names.set(to + name.slice(from.length), this.#names.get(name)!);
      this.#names.delete(name);
    }
  }

  #within(path: string): string[] {
    return [...this.#names.keys()].filter((name) => name === path || name.startsWith(`${path}/`));
  }

  #isDirectory(path: string): boolean {
    return path === "/" || this.#names.get(path) === "directory";
  }

  #usedBytes(): number {
    let sum = 0;
    for (const node of this.#names.values()) if (node !== "directory") sum += node.size;
    return sum;
  }
}

function newNode(id: number): Node {
  return { id, bytes: new Uint8Array(0), size: 0, modifiedMs: 0 };
}

function joined(buffers: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(buffers.flatMap((buffer) => [...buffer]));
}

function nodeOf(nodes: Map<number, Node>, id: number): Node {
  const node = nodes.get(id) ?? newNode(id);
  nodes.set(id, node);
  return node;
}

function put(node: Node, position: number, bytes: Uint8Array): void {
  resize(node, Math.max(node.size, position + bytes.length));
  node.bytes.set(bytes, position);
}

function resize(node: Node, sizeBytes: number): void {
  if (sizeBytes > node.bytes.length) {
    const larger = new Uint8Array(Math.max(sizeBytes, 2 * node.bytes.length));
    larger.set(node.bytes.subarray(0, node.size));
    node.bytes = larger;
  }
  if (sizeBytes < node.size) node.bytes.fill(0, sizeBytes, node.size);
  node.size = sizeBytes;
}

export function osError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
