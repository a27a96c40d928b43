/**
 * FeatureLevelRecord, version 0: a feature's finalized level; 0 means the feature is off.
 */
import { i16, record, string } from "../schema.ts";

export const FeatureLevelRecord = record({
  key: 12,
  name: "FeatureLevelRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    name: string,
    featureLevel: i16,
  },
});
