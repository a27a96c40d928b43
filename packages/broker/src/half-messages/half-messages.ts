import { type HeldParts, HeldRuntime } from "../held/held-runtime.ts";
import { HALF_MESSAGES_TOPIC } from "../metadata/topic-names.ts";
import { halfMessageRules } from "./rules.ts";

/** The coordinators of half messages: a shard for each partition of `__half_messages` led here. */
export class HalfMessages extends HeldRuntime {
  constructor(parts: HeldParts) {
    super(parts, {
      name: "the coordinator of half messages",
      topic: HALF_MESSAGES_TOPIC,
      rulesOf: halfMessageRules,
    });
  }
}
