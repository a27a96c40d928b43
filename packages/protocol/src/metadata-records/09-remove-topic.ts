/**
 * RemoveTopicRecord, version 0: a topic was deleted, with all its partitions.
 */
import { record, uuid } from "../schema.ts";

export const RemoveTopicRecord = record({
  key: 9,
  name: "RemoveTopicRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    topicId: uuid,
  },
});
