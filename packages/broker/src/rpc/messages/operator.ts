/** What several of the messages for operators are made of. */
import { i8, i32, offset, string, struct } from "@tarpan/protocol";

/** Why nothing came of it: an AdminError. Null where it is done. */
export const refusal = struct({
  kind: string,
  message: string,
  field: string.nullable(),
}).nullable();

export const groupSummary = {
  groupId: string,
  /** `classic` or `consumer`. */
  kind: string,
  state: string,
  protocolType: string,
  memberCount: i32,
};

export const resetTarget = {
  /** 0 earliest, 1 latest, 2 an offset, 3 a timestamp, 4 so many further. */
  targetKind: i8,
  /** Of kinds 2 to 4. */
  targetValue: offset,
};

export const offsetMove = {
  partition: i32,
  /** -1 when nothing is committed. */
  from: offset,
  to: offset,
};
