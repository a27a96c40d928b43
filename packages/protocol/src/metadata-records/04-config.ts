/**
 * ConfigRecord, version 0: one configuration key of one resource; a null value removes it.
 */
import { i8, record, string } from "../schema.ts";

export const ConfigRecord = record({
  key: 4,
  name: "ConfigRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    resourceType: i8,
    resourceName: string,
    name: string,
    value: string.nullable(),
  },
});
