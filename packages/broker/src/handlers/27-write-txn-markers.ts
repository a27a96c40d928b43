import { ErrorCode, type RequestOf, type ResponseInput, WriteTxnMarkers } from "@tarpan/protocol";
import { endGroupTransaction } from "../groups/operations/end-transaction.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import type { EndOfTransaction } from "../partition/markers.ts";
import { onCluster } from "../security/permission.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { handler, type Services } from "./handler.ts";

/**
 * WriteTxnMarkers: v1-2. v2 the transaction version, for the rules of epochs (KIP-1228). Ends
 * transactions in partitions that this broker leads: asked by coordinators, and by administrators
 * to end one that its coordinator does not know.
 */
export const writeTxnMarkers = handler({
  api: WriteTxnMarkers,
  versions: "1-2",
  authorize: [onCluster("alter", "clusterAction")],
  handle: async ({ markers }, { services }) => ({ markers: await writeMarkers(markers, services) }),
  failure: ({ markers }, errorCode) => ({
    markers: markers.map((marker) => resultOf(marker, () => errorCode)),
  }),
});

type Marker = RequestOf<typeof WriteTxnMarkers>["markers"][number];
type Result = ResponseInput<typeof WriteTxnMarkers>["markers"][number];

/** One result for each marker, in their order. */
export function writeMarkers(markers: readonly Marker[], services: Services): Promise<Result[]> {
  return Promise.all(markers.map((marker) => writeMarker(marker, services)));
}

async function writeMarker(marker: Marker, services: Services): Promise<Result> {
  // Only a producer's marker may be in a log.
  if (marker.producerId < 0 || marker.producerEpoch < 0) {
    return resultOf(marker, () => ErrorCode.INVALID_REQUEST);
  }
  const codes = new Map<string, ErrorCode>();
  const writes = marker.topics.flatMap(({ name, partitionIndexes }) => {
    return partitionIndexes.map(async (index) => {
      codes.set(`${name}-${index}`, await writeTo(name, index, marker, services));
    });
  });
  await Promise.all(writes);
  return resultOf(marker, (name, index) => codes.get(`${name}-${index}`)!);
}

async function writeTo(
  topic: string,
  index: number,
  marker: Marker,
  { partitions, groups, env }: Services,
): Promise<ErrorCode> {
  const { producerId, producerEpoch, coordinatorEpoch, transactionResult: isCommit } = marker;
  const end: EndOfTransaction = {
    ...{ producerId, producerEpoch, coordinatorEpoch, isCommit },
    bumpsEpoch: marker.transactionVersion >= 2,
    timestamp: env.clock.wallMs(),
  };
  if (topic === CONSUMER_OFFSETS_TOPIC) return endInGroups(index, end, groups);
  const partition = partitions.find(topic, index);
  if (typeof partition === "number") return partition;
  const { errorCode } = await partition.endTransaction(end);
  return errorCode;
}

/** As in Kafka, a coordinator that asks again hears of no other coordinator. */
async function endInGroups(
  index: number,
  end: EndOfTransaction,
  groups: Services["groups"],
): Promise<ErrorCode> {
  try {
    return await groups.runOnPartition(index, endGroupTransaction(end));
  } catch (error) {
    if (error instanceof KafkaError) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    throw error;
  }
}

function resultOf(
  { producerId, topics }: Marker,
  codeOf: (topic: string, index: number) => ErrorCode,
): Result {
  return {
    producerId,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        return { partitionIndex, errorCode: codeOf(name, partitionIndex) };
      }),
    })),
  };
}
