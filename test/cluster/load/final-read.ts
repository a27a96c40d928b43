import { ErrorCode, errorOf, Metadata } from "@tarpan/protocol";
import { RawConnection } from "../../harness/raw-connection.ts";
import { readAll } from "../../harness/records.ts";
import { within } from "../../harness/within.ts";
import type { OffsetAndValue } from "../../history/operation.ts";
import { type Load, pause } from "./load.ts";

const READ_LIMIT_MS = 60_000;
const ATTEMPT_LIMIT_MS = 15_000;
const TRY_AGAIN_MS = 250;
const METADATA_VERSION = 9;

/** Reads every partition whole from its leader, with nothing between us and the bytes, and records it. */
export async function readEverything(load: Load): Promise<number[]> {
  const process = load.history.newProcess();
  const ends: number[] = [];
  for (const partition of load.partitions) {
    const read = await readPartition(load, partition);
    const records = new Map([[load.key(partition), read]]);
    load.history.note(process, "poll", { group: null, records });
    ends.push(read.length === 0 ? 0 : read.at(-1)![0] + 1);
  }
  return ends;
}

async function readPartition(load: Load, partition: number): Promise<OffsetAndValue[]> {
  const limit = performance.now() + READ_LIMIT_MS;
  for (;;) {
    try {
      return await within(ATTEMPT_LIMIT_MS, "reading a partition", readOnce(load, partition));
    } catch (error) {
      if (performance.now() > limit) throw error;
      load.noteFailure(`the final read of partition ${partition}`, error);
      await pause(TRY_AGAIN_MS);
    }
  }
}

async function readOnce(load: Load, partition: number): Promise<OffsetAndValue[]> {
  const connection = await leaderConnection(load.bootstrap, load.topic, partition);
  try {
    const { records } = await readAll(connection, load.topic, { partition });
    return records.map(({ offset, value }) => {
      return [offset, Number(Buffer.from(value!, "base64").toString())];
    });
  } finally {
    connection.close();
  }
}

/** To whoever leads a partition, as the first broker that answers sees it. */
export async function leaderConnection(
  bootstrap: readonly string[],
  topic: string,
  partition: number,
): Promise<RawConnection> {
  const entry = await anyConnection(bootstrap);
  try {
    const topics = [{ name: topic }];
    const answer = await entry.request(Metadata, METADATA_VERSION, {
      topics,
      allowAutoTopicCreation: false,
    });
    const found = answer.topics[0]!;
    if (found.errorCode !== 0) throw new Error(`${topic}: ${errorOf(found.errorCode).name}`);
    const at = found.partitions.find(({ partitionIndex }) => partitionIndex === partition);
    const leader = answer.brokers.find(({ nodeId }) => nodeId === at?.leaderId);
    if (leader === undefined)
      throw new Error(
        `${topic}-${partition} has no leader: ${errorOf(at?.errorCode ?? ErrorCode.NONE).name}`,
      );
    return await RawConnection.open(leader.port, leader.host);
  } finally {
    entry.close();
  }
}

async function anyConnection(bootstrap: readonly string[]): Promise<RawConnection> {
  const failures: string[] = [];
  for (const address of bootstrap) {
    const [host, port] = address.split(":");
    try {
      return await RawConnection.open(Number(port), host);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Error(`no broker can be reached: ${failures.join("; ")}`);
}
