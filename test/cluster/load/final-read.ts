import { ErrorCode, errorOf, type GroupRecord, Metadata } from "@tarpan/protocol";
import { groupBatches, OFFSETS_TOPIC, offsetsPartitions } from "../../harness/group-observer.ts";
import { RawConnection } from "../../harness/raw-connection.ts";
import { readAll } from "../../harness/records.ts";
import { within } from "../../harness/within.ts";
import type { OffsetAndValue } from "../../history/operation.ts";
import { type Load, pause } from "./load.ts";

const READ_LIMIT_MS = 60_000;
const ATTEMPT_LIMIT_MS = 15_000;
const TRY_AGAIN_MS = 250;
const METADATA_VERSION = 9;

/**
 * Reads every partition from its leader to its end, over a raw connection, and adds that to the
 * history. Resolves to the end offset of each partition.
 */
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
  return fromLeader(load, load.topic, partition, async (connection) => {
    const { records } = await readAll(connection, load.topic, { partition });
    return records.map(({ offset, value }) => {
      return [offset, Number(Buffer.from(value!, "base64").toString())];
    });
  });
}

/** All records that coordinators have written. */
export async function readGroupLog(load: Load): Promise<GroupRecord[][]> {
  const entry = await anyConnection(load.inside);
  const partitions = await offsetsPartitions(entry).finally(() => entry.close());
  const log: GroupRecord[][] = [];
  for (const partition of partitions) {
    const read = (connection: RawConnection) => groupBatches(connection, partition);
    log.push(...(await fromLeader(load, OFFSETS_TOPIC, partition, read)));
  }
  return log;
}

/** Runs `ask` with a connection to the partition's leader, and repeats it if that fails. */
async function fromLeader<T>(
  load: Load,
  topic: string,
  partition: number,
  ask: (connection: RawConnection) => Promise<T>,
): Promise<T> {
  const once = async () => {
    const connection = await leaderConnection(load.inside, topic, partition);
    const answer = within(ATTEMPT_LIMIT_MS, "reading a partition", ask(connection));
    return answer.finally(() => connection.close());
  };
  const limit = performance.now() + READ_LIMIT_MS;
  for (;;) {
    try {
      return await once();
    } catch (error) {
      if (performance.now() > limit) throw error;
      load.noteFailure(`the final read of ${topic}-${partition}`, error);
      await pause(TRY_AGAIN_MS);
    }
  }
}

/** A connection to the partition's leader in the metadata of the first broker that answers. */
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
