import { ErrorCode, type RequestOf, type ResponseInput, WriteTxnMarkers } from "@tarpan/protocol";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type Services } from "./handler.ts";

/**
 * WriteTxnMarkers: v1-2. v2 the transaction version, for the rules of epochs (KIP-1228). Ends
 * transactions in partitions that this broker leads: asked by coordinators, and by administrators
 * to end one that its coordinator does not know.
 */
export const writeTxnMarkers = handler({
  api: WriteTxnMarkers,
  versions: "1-2",
  authorize: [onCluster("clusterAction")],
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
  { partitions, env }: Services,
): Promise<ErrorCode> {
  const { producerId, producerEpoch, coordinatorEpoch, transactionResult: isCommit } = marker;
  const end = { producerId, producerEpoch, coordinatorEpoch, isCommit };
  const bumpsEpoch = marker.transactionVersion >= 2;
  if (topic === CONSUMER_OFFSETS_TOPIC) return ErrorCode.UNKNOWN_SERVER_ERROR;
  const partition = partitions.find(topic, index);
  if (typeof partition === "number") return partition;
  const timestamp = env.clock.wallMs();
  const { errorCode } = await partition.endTransaction({ ...end, bumpsEpoch, timestamp });
  return errorCode;
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
