import * as fs from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import type { File, FileStat, FileSystem, OpenOptions } from "./env.ts";

const openFile = promisify(fs.open);
const closeFile = promisify(fs.close);
const syncData = promisify(fs.fdatasync);
const syncAll = promisify(fs.fsync);
const truncateFile = promisify(fs.ftruncate);
const setTimes = promisify(fs.futimes);
const statFile = promisify(fs.fstat);
const statPath = promisify(fs.stat);

/** Undefined if the system has no such flag; then fdatasync follows every write. */
const O_DSYNC: number | undefined = fs.constants.O_DSYNC;

const FIRST_READ_BYTES = 1024;

/** The disk, through libuv's thread pool. */
export const nodeFiles: FileSystem = {
  open: openNodeFile,
  makeDirectory,
  list: async (path) => (await fs.promises.readdir(path)).sort(),
  stat,
  space,
  readFile: readWholeFile,
  rename: (from, to) => fs.promises.rename(from, to),
  remove: (path) => fs.promises.rm(path, { recursive: true, force: true }),
  syncDirectory,
};

async function openNodeFile(path: string, options: OpenOptions): Promise<File> {
  const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = fs.constants;
  let flags = options.readOnly ? O_RDONLY : O_RDWR;
  if (options.create) flags |= O_CREAT;
  if (options.exclusive) flags |= O_EXCL;
  if (options.durableWrites) flags |= O_DSYNC ?? 0;
  const syncEachWrite = options.durableWrites === true && O_DSYNC === undefined;
  const mode = options.secret ? 0o600 : 0o644;
  return new NodeFile(await openFile(path, flags, mode), syncEachWrite);
}

/**
 * A start reads several small files of each log, and each call of the system costs it more than the
 * bytes: a file that fits into the first read is not asked for its size.
 */
async function readWholeFile(path: string): Promise<Uint8Array | null> {
  const descriptor = await openFile(path, fs.constants.O_RDONLY).catch(nullIfMissing);
  if (descriptor === null) return null;
  try {
    const first = Buffer.allocUnsafe(FIRST_READ_BYTES);
    const count = await readOnce(descriptor, first, 0, 0);
    // Not a Buffer, whose slice and toString differ from those of a Uint8Array.
    if (count < first.length) return new Uint8Array(first.subarray(0, count));
    const whole = new Uint8Array((await statFile(descriptor)).size);
    return whole.subarray(0, await readFully(descriptor, whole, 0));
  } finally {
    closeUnwritten(descriptor);
  }
}

/**
 * Makes missing parents too. Node's `recursive` option never ends below /proc. Only the broker's
 * user may look inside: records and the credentials of users are there.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await fs.promises.mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path))?.isDirectory) return;
    if (code !== "ENOENT" || (await stat(dirname(path))) !== null) throw error;
    await makeDirectory(dirname(path));
    await makeDirectory(path);
  }
}

async function stat(path: string): Promise<FileStat | null> {
  const found = await statPath(path).catch(nullIfMissing);
  if (found === null) return null;
  const { size: sizeBytes, nlink: links, mtimeMs: modifiedMs } = found;
  const isOpenToOthers = (found.mode & 0o006) !== 0;
  return { sizeBytes, isDirectory: found.isDirectory(), isOpenToOthers, links, modifiedMs };
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}

async function space(path: string) {
  const { blocks, bfree, bavail, bsize } = await fs.promises.statfs(path);
  if (blocks === 0) return null;
  // Only root may use the blocks that a file system reserves.
  const usable = process.getuid?.() === 0 ? bfree : bavail;
  return { totalBytes: blocks * bsize, usableBytes: usable * bsize };
}

async function syncDirectory(path: string): Promise<void> {
  // Windows can't open a directory, and needs no sync of it.
  if (process.platform === "win32") return;
  const descriptor = await openFile(path, fs.constants.O_RDONLY);
  try {
    await syncAll(descriptor);
  } finally {
    closeUnwritten(descriptor);
  }
}

/** Uses a bare descriptor: a FileHandle costs an extra object and promise for each call. */
class NodeFile implements File {
  readonly #descriptor: number;
  readonly #syncEachWrite: boolean;

  constructor(descriptor: number, syncEachWrite: boolean) {
    this.#descriptor = descriptor;
    this.#syncEachWrite = syncEachWrite;
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    await writeAll(this.#descriptor, buffers, position);
    if (this.#syncEachWrite) await this.sync();
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return readFully(this.#descriptor, into, position);
  }

  sync(): Promise<void> {
    return syncData(this.#descriptor);
  }

  truncate(sizeBytes: number): Promise<void> {
    return truncateFile(this.#descriptor, sizeBytes);
  }

  async sizeBytes(): Promise<number> {
    return (await statFile(this.#descriptor)).size;
  }

  setModified(ms: number): Promise<void> {
    return setTimes(this.#descriptor, ms / 1000, ms / 1000);
  }

  close(): Promise<void> {
    return closeFile(this.#descriptor);
  }
}

/**
 * Closes a file or directory that was not written to, at once: nothing is left for the disk, and a
 * way through the thread pool would cost more than the call.
 */
function closeUnwritten(descriptor: number): void {
  fs.closeSync(descriptor);
}

/** Reads until `into` is full or the file ends. */
async function readFully(descriptor: number, into: Uint8Array, position: number) {
  let done = 0;
  while (done < into.length) {
    const count = await readOnce(descriptor, into, done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

function readOnce(descriptor: number, into: Uint8Array, at: number, position: number) {
  return new Promise<number>((resolve, reject) => {
    fs.read(descriptor, into, at, into.length - at, position, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
}

async function writeAll(descriptor: number, buffers: readonly Uint8Array[], position: number) {
  let rest = buffers;
  let at = position;
  for (;;) {
    let left = await writeOnce(descriptor, rest, at);
    at += left;
    let whole = 0;
    while (whole < rest.length && left >= rest[whole]!.byteLength) {
      left -= rest[whole]!.byteLength;
      whole += 1;
    }
    if (whole === rest.length) return;
    rest = [rest[whole]!.subarray(left), ...rest.slice(whole + 1)];
  }
}

function writeOnce(descriptor: number, buffers: readonly Uint8Array[], position: number) {
  return new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, count: number) => (error ? reject(error) : resolve(count));
    if (buffers.length === 1) fs.write(descriptor, buffers[0]!, 0, null, position, done);
    else fs.writev(descriptor, buffers, position, done);
  });
}
