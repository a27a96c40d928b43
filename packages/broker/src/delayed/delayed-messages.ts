import { type HeldParts, HeldRuntime } from "../held/held-runtime.ts";
import { DELAYED_TOPIC } from "../metadata/topic-names.ts";
import { delayedRules } from "./rules.ts";

/** The coordinators of delayed messages: a shard for each partition of `__delayed` led here. */
export class DelayedMessages extends HeldRuntime {
  constructor(parts: HeldParts) {
    super(parts, {
      name: "the coordinator of delayed messages",
      topic: DELAYED_TOPIC,
      rulesOf: () => delayedRules,
    });
  }
}
