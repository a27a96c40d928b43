import type { GroupState } from "../../machine.ts";
import type { Effects, GroupContext } from "../../operation.ts";

/** What a running operation is given, in one piece. */
export interface Turn {
  readonly state: GroupState;
  readonly context: GroupContext;
  readonly effects: Effects;
}
