/**
 * TopicRecord, version 0: a topic exists: its name and id.
 */
import { record, string, uuid } from "../schema.ts";

export const TopicRecord = record({
  key: 2,
  name: "TopicRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    name: string,
    topicId: uuid,
  },
});
