import { ErrorCode } from "@tarpan/protocol";
import type { Decision } from "../state-machine/replayed-state.ts";
import { type MetadataImage, partitionsOf } from "./image.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import { type MetadataRecord, unregisterBrokerRecord } from "./records.ts";

/**
 * Unregisters a broker. Kafka does so at any time and leaves its replicas behind; here the broker
 * must be fenced and hold no replica, since the engine would wait for its replicas for ever.
 */
export function decideUnregisterBroker(
  image: MetadataImage,
  brokerId: number,
): Decision<MetadataRecord, Outcome> {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) {
    const text = `broker ${brokerId} is not registered`;
    return { records: [], response: refused(ErrorCode.BROKER_ID_NOT_REGISTERED, text) };
  }
  if (!broker.fenced) {
    const text = `broker ${brokerId} is up: stop it before it is unregistered`;
    return { records: [], response: refused(ErrorCode.INVALID_REQUEST, text) };
  }
  for (const { topic, index, partition } of partitionsOf(image)) {
    if (!partition.replicas.includes(brokerId)) continue;
    const text = `broker ${brokerId} holds a replica of ${topic.name}-${index}: reassign it first`;
    return { records: [], response: refused(ErrorCode.INVALID_REQUEST, text) };
  }
  return { records: [unregisterBrokerRecord(broker)], response: DONE };
}
