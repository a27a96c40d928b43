import { Reader, Writer } from "@tarpan/protocol";
import type { TopicPartition } from "../../connection/offsets.ts";
import { type Assignor, emptyAssignment } from "./assignor.ts";
import { stickyAssignment } from "./sticky-assignment.ts";

/**
 * Balanced, with as few moves as possible (KIP-54). Members revoke all partitions before they join,
 * so they send the former ones as user data, in the format of Kafka's StickyAssignor.
 */
export const sticky: Assignor = {
  name: "sticky",
  cooperative: false,
  assign: (members, counts) =>
    members.length === 0 ? emptyAssignment(members) : stickyAssignment(members, counts),
  userData(owned, generation) {
    const byTopic = new Map<string, number[]>();
    for (const { topic, partition } of owned)
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition]);
    const writer = new Writer();
    writer.i32(byTopic.size);
    for (const [topic, partitions] of byTopic) {
      writer.string(topic);
      writer.i32(partitions.length);
      for (const partition of partitions) writer.i32(partition);
    }
    writer.i32(generation);
    return writer.join();
  },
  readUserData(bytes) {
    const reader = new Reader(bytes);
    const owned: TopicPartition[] = [];
    for (let topics = reader.count(reader.i32(), 6); topics > 0; topics--) {
      const topic = reader.text(reader.i16());
      for (let left = reader.count(reader.i32(), 4); left > 0; left--)
        owned.push({ topic, partition: reader.i32() });
    }
    // Older members do not send a generation.
    return { owned, generation: reader.remaining >= 4 ? reader.i32() : -1 };
  },
};
