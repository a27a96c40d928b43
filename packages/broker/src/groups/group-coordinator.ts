import type { GroupRecord } from "@tarpan/protocol";
import { CoordinatorRuntime } from "../coordinator/runtime.ts";
import type { RuntimeParts } from "../coordinator/shard-runtime.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import { GroupLog } from "./group-log.ts";
import { groupMachine } from "./machine.ts";
import type { GroupState } from "./model/state.ts";
import type { GroupTimer } from "./model/timers.ts";

interface Parts extends RuntimeParts {
  readonly metadata: Metadata;
}

/** The coordinators of groups: a shard for each partition of the offsets topic led here. */
export class GroupCoordinator extends CoordinatorRuntime<GroupState, GroupRecord, GroupTimer> {
  constructor(parts: Parts) {
    super(parts, {
      name: "the group coordinator",
      topic: CONSUMER_OFFSETS_TOPIC,
      createTopic: async () => {
        const { errorCode } = await parts.metadata.controller.createOffsetsTopic({});
        return errorCode;
      },
      machine: groupMachine(new GroupLog(parts.logger)),
    });
  }
}
