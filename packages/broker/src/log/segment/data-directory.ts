import { dirname, join, resolve } from "node:path";
import type { Env, FileSystem } from "../../env/env.ts";
import { nodeText } from "../../util/node-text.ts";
import { reasonOf } from "../../util/os-error.ts";
import { DataDirectoryError } from "./directory-error.ts";
import { parseLogDirectoryName } from "./file-names.ts";
import { lockDirectory } from "./lock.ts";
import { replaceFile } from "./sealed-file.ts";

/** Kafka's file (KIP-631): `version`, `cluster.id`, `node.id`, `directory.id`. */
const META_FILE = "meta.properties";
const META_VERSION = 1;
/** The file that a broker of a cluster has instead. */
const CLUSTER_MARK = join("nats", "node-id");
/** Exists only while no broker uses the directory and the last one shut down cleanly. */
const CLEAN_FILE = ".tarpan-clean";

export interface DirectoryMeta {
  /** 22 characters of URL-safe base64, made when the directory was first used. */
  readonly clusterId: string;
  readonly nodeId: number;
  readonly directoryId: string;
}

export interface DataDirectory {
  readonly path: string;
  readonly meta: DirectoryMeta;
  /** Whether the last broker on this directory shut down cleanly. */
  readonly cleanlyClosed: boolean;
  /** Unlocks the directory. `clean` says that everything in it was closed without an error. */
  release(clean: boolean): Promise<void>;
}

/**
 * Locks a data directory and creates it if it is missing. Rejects with DataDirectoryError. `nodeId`
 * (default 1) is written into a new directory; if given, it must match that of an existing one.
 */
export async function openDataDirectory(
  path: string,
  env: Pick<Env, "fs" | "random" | "processes">,
  nodeId?: number,
  nodeName?: string,
): Promise<DataDirectory> {
  const { fs } = env;
  const isNew = await orUnwritable(path, makeDurably(path, fs));
  const unlock = await lockDirectory(path, env);
  try {
    const meta = await loadOrCreateMeta(path, env, nodeId, nodeName);
    const cleanFile = join(path, CLEAN_FILE);
    const cleanlyClosed = (await fs.stat(cleanFile)) !== null;
    if (cleanlyClosed) {
      await fs.remove(cleanFile);
      await fs.syncDirectory(path);
    } else if (!isNew) await settleNames(path, fs);
    const release = async (clean: boolean) => {
      try {
        if (clean) await replaceFile(fs, path, CLEAN_FILE, []);
      } finally {
        await unlock();
      }
    };
    return { path, meta, cleanlyClosed, release };
  } catch (error) {
    await unlock().catch(() => {});
    if (error instanceof DataDirectoryError) throw error;
    return orUnwritable(path, Promise.reject(error));
  }
}

/**
 * Creates a directory and its missing parents so that they survive a power failure. False when it
 * existed before.
 */
async function makeDurably(path: string, fs: FileSystem): Promise<boolean> {
  const missing: string[] = [];
  for (let at = resolve(path); (await fs.stat(at)) === null; at = dirname(at)) missing.push(at);
  await fs.makeDirectory(path);
  for (const made of missing) await fs.syncDirectory(dirname(made));
  return missing.length > 0;
}

/** File names that a killed process created are visible, but may not have been synced yet. */
async function settleNames(path: string, fs: FileSystem): Promise<void> {
  await fs.syncDirectory(path);
  // A parent directory that we may not open was not created by us, so it needs no sync.
  await fs.syncDirectory(dirname(resolve(path))).catch(() => {});
}

/** Reads `meta.properties`; writes it only into a directory that holds no log yet. */
export async function loadOrCreateMeta(
  path: string,
  { fs, random }: Pick<Env, "fs" | "random">,
  nodeId?: number,
  nodeName?: string,
): Promise<DirectoryMeta> {
  const bytes = await fs.readFile(join(path, META_FILE));
  if (bytes === null) {
    await refuseLogsWithoutMeta(path, fs);
    const meta = {
      clusterId: randomId(random.bytes(16)),
      nodeId: nodeId ?? 1,
      directoryId: randomId(random.bytes(16)),
    };
    await replaceFile(fs, path, META_FILE, [new TextEncoder().encode(formatMeta(meta))]);
    return meta;
  }
  const meta = parseMeta(path, new TextDecoder().decode(bytes));
  if (nodeId !== undefined && meta.nodeId !== nodeId)
    throw new DataDirectoryError(
      "TARPAN_DATA_DIRECTORY_OTHER_NODE",
      `data directory ${path} belongs to node ${meta.nodeId}, ` +
        `not to node ${nodeText(nodeId, nodeName)}`,
    );
  return meta;
}

async function refuseLogsWithoutMeta(path: string, fs: FileSystem): Promise<void> {
  const log = await firstLog(path, fs);
  if (log === null) return;
  throw new DataDirectoryError(
    "TARPAN_DATA_DIRECTORY_INCOMPLETE",
    `data directory ${path} holds logs (${log}) but no ${META_FILE}: restore that file, ` +
      "or point to an empty directory",
  );
}

/** Skips data directories of other brokers, whose names (`broker-1`) can look like a log's. */
async function firstLog(path: string, fs: FileSystem): Promise<string | null> {
  for (const name of await fs.list(path)) {
    if (parseLogDirectoryName(name) !== null && !(await isBrokers(join(path, name), fs)))
      return name;
  }
  return null;
}

/** Whether `path` is a data directory. False when it is a file or cannot be examined. */
async function isBrokers(path: string, fs: FileSystem): Promise<boolean> {
  for (const mark of [META_FILE, CLUSTER_MARK]) {
    if ((await fs.stat(join(path, mark)).catch(() => null)) !== null) return true;
  }
  return false;
}

/**
 * One line for the operator for each other broker's data directory that contains this one or lies
 * inside it. The brokers can work like this, but deleting the outer directory deletes both, and a
 * partition's log cannot have the inner one's name. Names in `ownLogs` are not examined.
 */
export async function nestedDirectories(
  path: string,
  fs: FileSystem,
  ownLogs: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const lines: string[] = [];
  const outer = dirname(resolve(path));
  if (await isBrokers(outer, fs)) {
    lines.push(
      `data directory ${path} is inside that of another broker, ${outer}: ` +
        "deleting that one deletes both; keep them apart",
    );
  }
  for (const name of await fs.list(path)) {
    const inner = join(path, name);
    if (ownLogs.has(name) || !(await isBrokers(inner, fs))) continue;
    lines.push(
      `data directory ${path} contains that of another broker, ${inner}: ` +
        "deleting this one deletes both; keep them apart",
    );
  }
  return lines;
}

function parseMeta(path: string, text: string): DirectoryMeta {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf("=");
    if (at > 0 && !line.startsWith("#"))
      values.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  const version = Number(values.get("version") ?? Number.NaN);
  const nodeId = Number(values.get("node.id") ?? Number.NaN);
  const clusterId = values.get("cluster.id");
  if (version !== META_VERSION && !Number.isNaN(version))
    throw new DataDirectoryError(
      "TARPAN_DATA_DIRECTORY_VERSION",
      `data directory ${path} has format version ${version}, this broker supports only ` +
        `${META_VERSION}: start the release that wrote it, or use another directory`,
    );
  if (Number.isNaN(version) || !Number.isInteger(nodeId) || !clusterId)
    throw new DataDirectoryError(
      "TARPAN_DATA_DIRECTORY_INCOMPLETE",
      `${join(path, META_FILE)} has no valid version, node.id or cluster.id: restore that file`,
    );
  return { clusterId, nodeId, directoryId: values.get("directory.id") ?? "" };
}

function formatMeta(meta: DirectoryMeta): string {
  return [
    `version=${META_VERSION}`,
    `cluster.id=${meta.clusterId}`,
    `node.id=${meta.nodeId}`,
    `directory.id=${meta.directoryId}`,
    "",
  ].join("\n");
}

function randomId(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

async function orUnwritable<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new DataDirectoryError(
      "TARPAN_DATA_DIRECTORY_UNWRITABLE",
      `cannot use data directory ${path}: ${reasonOf(error)}`,
      error,
    );
  }
}
