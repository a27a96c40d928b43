import { join } from "node:path";
import type { Env } from "../env/env.ts";
import { nodeText } from "../util/node-text.ts";
import { EngineError } from "./engine-error.ts";
import { readText, writeText } from "./files.ts";

const FILE = "node-id";

/**
 * The id of this broker in its cluster: the given one, else the one kept in the data directory,
 * else a random one, since no two brokers may have the same id. It names the nats-server in the
 * Raft groups, so a change is refused: rejects with EngineError TARPAN_ENGINE_OTHER_NODE.
 */
export async function resolveNodeId(
  dataDirectory: string,
  { fs, random }: Pick<Env, "fs" | "random">,
  given: number | null,
  givenName?: string,
): Promise<number> {
  const directory = join(dataDirectory, "nats");
  const text = await readText(fs, join(directory, FILE));
  const kept = text === null ? null : Number(text);
  if (kept !== null && given !== null && kept !== given)
    throw new EngineError(
      "TARPAN_ENGINE_OTHER_NODE",
      `data directory ${dataDirectory} belongs to node ${kept}, ` +
        `not to node ${nodeText(given, givenName)}: ` +
        `start it with node id ${kept}, or give another data directory`,
    );
  if (kept !== null && Number.isSafeInteger(kept)) return kept;
  const nodeId = given ?? randomId(random.bytes(4));
  await fs.makeDirectory(directory);
  await writeText(fs, join(directory, FILE), `${nodeId}\n`);
  await fs.syncDirectory(directory);
  return nodeId;
}

/** 1 … 2^31-1. */
function randomId(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) & 0x7fff_ffff || 1;
}
