/**
 * The classic protocol's bytes of subscriptions and assignments, as a consumer group needs them.
 */
import {
  type ConsumerSubscription,
  decodeConsumerAssignment,
  decodeConsumerSubscription,
  encodeConsumerAssignment,
  ProtocolError,
} from "@tarpan/protocol";
import type { MetadataImage } from "../../metadata/image.ts";
import {
  type Assignment,
  type TopicPartitions,
  topicPartitionsOf,
} from "../model/consumer/assignment.ts";

/** Null where the bytes do not parse. */
export function subscriptionFrom(metadata: Uint8Array): ConsumerSubscription | null {
  try {
    return orNull(() => decodeConsumerSubscription(metadata)) ?? asVersion0(metadata);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** There are clients that write a newer version's number in front of version 0's fields. */
function asVersion0(metadata: Uint8Array): ConsumerSubscription {
  const bytes = new Uint8Array(metadata);
  bytes.fill(0, 0, 2);
  return decodeConsumerSubscription(bytes);
}

/** Null where the bytes do not parse; "lossy" where an assignor of their own left more in them. */
export function assignmentFrom(
  bytes: Uint8Array,
  image: MetadataImage,
): TopicPartitions[] | "lossy" | null {
  if (bytes.length === 0) return [];
  const decoded = orNull(() => decodeConsumerAssignment(bytes));
  if (decoded === null) return null;
  if (decoded.userData !== null && decoded.userData.length > 0) return "lossy";
  return withIds(decoded.assignedPartitions, image);
}

/** Topics that no longer exist are left out. */
export function withIds(
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  image: MetadataImage,
): TopicPartitions[] {
  return topics.flatMap(({ topic, partitions }) => {
    const topicId = image.topics.get(topic)?.id;
    return topicId === undefined ? [] : [{ topicId, partitions }];
  });
}

/** In the version of the subscription, which the member can surely read. */
export function assignmentBytes(
  assignment: Assignment,
  subscription: Uint8Array,
  image: MetadataImage,
): Uint8Array {
  const assignedPartitions = topicPartitionsOf(assignment).flatMap(({ topicId, partitions }) => {
    const topic = image.topicsById.get(topicId)?.name;
    return topic === undefined ? [] : [{ topic, partitions }];
  });
  const version = new DataView(subscription.buffer, subscription.byteOffset).getInt16(0);
  return encodeConsumerAssignment({ assignedPartitions }, Math.min(Math.max(version, 0), NEWEST));
}

const NEWEST = 3;

function orNull<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
