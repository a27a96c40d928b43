import { join } from "node:path";
import { hostPort } from "../config/addresses.ts";
import type { FileSystem } from "../env/env.ts";
import { readText, writeText } from "./files.ts";
import { REMEMBERED_PEERS } from "./limits.ts";

const FILE = "peers.json";

/** Raft addresses of the last start, newest first: with them a restart works without etcd. */
export async function rememberedPeers(fs: FileSystem, directory: string): Promise<string[]> {
  try {
    const peers: unknown = JSON.parse((await readText(fs, join(directory, FILE))) ?? "[]");
    if (!Array.isArray(peers)) return [];
    return peers.filter((peer) => typeof peer === "string" && isAddress(peer));
  } catch {
    // The file is damaged: discovery gives the addresses again.
    return [];
  }
}

/** nats-server does not start with a route that is none. */
function isAddress(text: string): boolean {
  try {
    hostPort(text);
    return true;
  } catch {
    return false;
  }
}

export async function rememberPeers(
  fs: FileSystem,
  directory: string,
  peers: readonly string[],
): Promise<void> {
  await writeText(fs, join(directory, FILE), JSON.stringify(peers.slice(0, REMEMBERED_PEERS)));
}

/** Addresses that are known now come before remembered ones. */
export function mergePeers(now: readonly string[], before: readonly string[]): string[] {
  return [...new Set([...now, ...before])].slice(0, REMEMBERED_PEERS);
}
