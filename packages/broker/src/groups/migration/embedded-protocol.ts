/**
 * Converts subscriptions and assignments between the bytes of the classic protocol and the form
 * that a consumer group needs.
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

/** Null when the bytes do not parse. */
export function subscriptionFrom(metadata: Uint8Array): ConsumerSubscription | null {
  try {
    return orNull(() => decodeConsumerSubscription(metadata)) ?? asVersion0(metadata);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** Some clients write the number of a newer version, but only the fields of version 0. */
function asVersion0(metadata: Uint8Array): ConsumerSubscription {
  const bytes = new Uint8Array(metadata);
  bytes.fill(0, 0, 2);
  return decodeConsumerSubscription(bytes);
}

/** Null when the bytes do not parse; "lossy" when a custom assignor added user data. */
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

/**
 * Encodes in the version of the member's subscription, because the member can read it; in version 0
 * for metadata of a custom assignor that is too short to have a version.
 */
export function assignmentBytes(
  assignment: Assignment,
  subscription: Uint8Array,
  image: MetadataImage,
): Uint8Array {
  const assignedPartitions = topicPartitionsOf(assignment).flatMap(({ topicId, partitions }) => {
    const topic = image.topicsById.get(topicId)?.name;
    return topic === undefined ? [] : [{ topic, partitions }];
  });
  const version = Math.min(Math.max(versionOf(subscription), 0), NEWEST_VERSION);
  return encodeConsumerAssignment({ assignedPartitions }, version);
}

const NEWEST_VERSION = 3;

function versionOf({ buffer, byteOffset, byteLength }: Uint8Array): number {
  return byteLength < 2 ? 0 : new DataView(buffer, byteOffset).getInt16(0);
}

function orNull<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
