import { dirname, join, resolve } from "node:path";
import type { Env, FileSystem } from "../../env/env.ts";
import { nodeText } from "../../util/node-text.ts";
import { reasonOf } from "../../util/os-error.ts";
import { DataDirectoryError } from "./directory-error.ts";
import { parseLogDirectoryName } from "./file-names.ts";
import { lockDirectory } from "./lock.ts";
import { replaceFile } from "./sealed-file.ts";

/** As Kafka writes it since KIP-631: `version`, `cluster.id`, `node.id`, `directory.id`. */
const META_FILE = "meta.properties";
const META_VERSION = 1;
/** What a broker of a cluster has in the place of that. */
const CLUSTER_MARK = join("nats", "node-id");
/** There exactly while no broker runs on the directory and the last one closed everything. */
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
  /** Whether the last owner let go in order. */
  readonly cleanlyClosed: boolean;
  /** Lets go of the directory; `clean` when everything in it was closed in order. */
  release(clean: boolean): Promise<void>;
}

/**
 * Takes a data directory, making it when it is missing. Rejects with DataDirectoryError. `nodeId`
 * (default 1) is written into a new directory and must match that of an old one when given.
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
 * Makes a directory, and those above it, so that a power failure takes none of them away. False
 * when it was there before.
 */
async function makeDurably(path: string, fs: FileSystem): Promise<boolean> {
  const missing: string[] = [];
  for (let at = resolve(path); (await fs.stat(at)) === null; at = dirname(at)) missing.push(at);
  await fs.makeDirectory(path);
  for (const made of missing) await fs.syncDirectory(dirname(made));
  return missing.length > 0;
}

/** Names that a killed process left may be seen and still not be on the disk. */
async function settleNames(path: string, fs: FileSystem): Promise<void> {
  await fs.syncDirectory(path);
  // Where the directory above may not be opened it is not ours, and was there before us.
  await fs.syncDirectory(dirname(resolve(path))).catch(() => {});
}

/** Reads `meta.properties`; writes it only into a directory that holds no log yet. */
export async function loadOrCreateMeta(
  path: string,
  { fs, random }: Pick<Env, "fs" | "random">,
  nodeId?: number,
  nodeName?: string,
): Promise<DirectoryMeta> {
  if ((await fs.stat(join(path, META_FILE))) === null) {
    await refuseLogsWithoutMeta(path, fs);
    const meta = {
      clusterId: randomId(random.bytes(16)),
      nodeId: nodeId ?? 1,
      directoryId: randomId(random.bytes(16)),
    };
    await replaceFile(fs, path, META_FILE, [new TextEncoder().encode(formatMeta(meta))]);
    return meta;
  }
  const text = new TextDecoder().decode(await fs.readFile(join(path, META_FILE)));
  const meta = parseMeta(path, text);
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

/** Another broker's data directory may have the name of a log: `broker-1`. */
async function firstLog(path: string, fs: FileSystem): Promise<string | null> {
  for (const name of await fs.list(path)) {
    if (parseLogDirectoryName(name) !== null && !(await isBrokers(join(path, name), fs)))
      return name;
  }
  return null;
}

/** What may not be looked at, and what is no directory, is not known to be a broker's. */
async function isBrokers(path: string, fs: FileSystem): Promise<boolean> {
  for (const mark of [META_FILE, CLUSTER_MARK]) {
    if ((await fs.stat(join(path, mark)).catch(() => null)) !== null) return true;
  }
  return false;
}

/**
 * Data directories of other brokers around this one or in it, a line for the operator each. They do
 * no harm as they are, but whoever removes the outer one removes both, and no topic can have a
 * partition where the inner one is. What has a name in `ownLogs` is not looked at.
 */
export async function nestedDirectories(
  path: string,
  fs: FileSystem,
  ownLogs: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const lines: string[] = [];
  const outer = dirname(resolve(path));
  if (await isBrokers(outer, fs)) {
    lines.push(`data directory ${path} lies inside that of another broker, ${outer}`);
  }
  for (const name of await fs.list(path)) {
    const inner = join(path, name);
    if (ownLogs.has(name) || !(await isBrokers(inner, fs))) continue;
    lines.push(`data directory ${path} holds that of another broker, ${inner}`);
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
      `data directory ${path} has format version ${version}; this broker knows ${META_VERSION}`,
    );
  if (Number.isNaN(version) || !Number.isInteger(nodeId) || !clusterId)
    throw new DataDirectoryError(
      "TARPAN_DATA_DIRECTORY_INCOMPLETE",
      `${join(path, META_FILE)} lacks a valid version, node.id or cluster.id`,
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
