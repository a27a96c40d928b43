import type { GroupRecord } from "@tarpan/protocol";
import type { Operation, Turn } from "../coordinator/turn.ts";
import type { GroupState } from "./model/state.ts";
import type { GroupTimer } from "./model/timers.ts";

export type GroupTurn = Turn<GroupState, GroupRecord, GroupTimer>;
export type GroupOperation<T = unknown> = Operation<GroupState, GroupRecord, GroupTimer, T>;
