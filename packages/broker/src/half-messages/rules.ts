import { murmur2 } from "@tarpan/codecs";
import type { RecordWalk } from "@tarpan/protocol";
import { DeliveredHeader, HeldHeader } from "../held/headers.ts";
import type { RulesContext } from "../held/held-runtime.ts";
import {
  createdHeader,
  deadLetterOf,
  deliveredRecord,
  headerOf,
  headersOf,
  movedRecord,
  targetOf,
  textOf,
} from "../held/outgoing.ts";
import type { CheckRules, Effect, HeldRules, Wanted } from "../held/rules.ts";
import { CheckHeader, HalfHeader, MovedHeader } from "./headers.ts";
import { CHECKS_PARTITIONS, CHECKS_RETENTION_MS } from "./limits.ts";
import { checksTopicOf, hashIdentity } from "./producer-group.ts";

const encoder = new TextEncoder();
const GROUP = encoder.encode(HalfHeader.group);
const RESOLUTION = encoder.encode(HalfHeader.resolution);
const MOVED_FROM = encoder.encode(HeldHeader.movedFrom);
const PROGRESS = encoder.encode(MovedHeader.progress);
const NEXT = encoder.encode(MovedHeader.next);

/** What the records of one partition of `__half_messages` mean. */
export function halfMessageRules(context: RulesContext): HeldRules {
  const { config } = context;
  return {
    needsResolution: true,
    checks: checkRules(context),

    hash(walk) {
      const { bytes, keyStart, keyEnd } = walk;
      hashIdentity(walk.header(GROUP) ?? NOTHING, bytes.subarray(keyStart, keyEnd));
    },

    hashName({ id, group }) {
      hashIdentity(encoder.encode(group ?? ""), id);
    },

    effect(walk): Effect {
      const resolution = walk.header(RESOLUTION);
      if (resolution === null) return "holds";
      return textOf(resolution) === "commit" ? "commits" : "rolls back";
    },

    dueMs(walk, appendedMs) {
      // Clients may set any header but this one: what theirs say of a move is not believed.
      const nextMs = walk.header(MOVED_FROM) === null ? null : numberOf(walk, NEXT);
      return nextMs ?? appendedMs + config().halfMessageTimeoutMs;
    },

    progress: (walk) => numberOf(walk, PROGRESS) ?? 0,

    groupOf: (record) => textOf(headersOf(record).get(HalfHeader.group)),

    read(record): Wanted {
      const given = headersOf(record);
      const delivered = deliveredRecord(record, given, OWN);
      return { ...targetOf(given), dueMs: null, record: delivered };
    },

    moved(record, timeMs, progress) {
      const added = [
        headerOf(MovedHeader.progress, String(progress)),
        headerOf(MovedHeader.next, String(timeMs)),
      ];
      return movedRecord(record, headersOf(record), added);
    },

    deadLetter: (wanted, offset, reason) => deadLetterOf(wanted, offset, reason, "half-messages"),
  };
}

function checkRules({ partition, config }: RulesContext): CheckRules {
  return {
    check(record, sent) {
      const { key, value, headers } = record;
      const given = headersOf(record);
      const left = Math.max(0, config().halfMessageCheckMax - sent - 1);
      const added = [
        { key: DeliveredHeader.id, value: key },
        createdHeader(record, given),
        headerOf(CheckHeader.number, String(sent + 1)),
        headerOf(CheckHeader.left, String(left)),
        headerOf(CheckHeader.partition, String(partition)),
      ];
      return {
        topic: checksTopicOf(textOf(given.get(HalfHeader.group))),
        partition: null,
        // Another one each time: a member that hangs is not asked again and again.
        turn: (murmur2(key!) & 0x7fffffff) + sent,
        dueMs: null,
        record: {
          key,
          value,
          headers: [...headers.filter((one) => !ASKED.has(one.key)), ...added],
        },
      };
    },
    isOver: (sent) => sent >= config().halfMessageCheckMax,
    rollBackReason: (sent) => `it was rolled back: ${sent} checks were not answered`,
    nextMs: (nowMs) => nowMs + config().halfMessageCheckIntervalMs,
    newTopic: (name) => ({
      ...{ name, for: "checks of half messages", partitions: CHECKS_PARTITIONS },
      configs: { "retention.ms": String(CHECKS_RETENTION_MS) },
    }),
  };
}

/** Not in what is delivered. */
const OWN: ReadonlySet<string> = new Set([
  ...Object.values(HalfHeader),
  ...Object.values(MovedHeader),
]);

/** Not in a check, or with another value. */
const ASKED: ReadonlySet<string> = new Set([
  ...[...Object.values(MovedHeader), HeldHeader.movedFrom],
  ...[...Object.values(CheckHeader), ...Object.values(DeliveredHeader)],
]);

const NOTHING = new Uint8Array(0);

function numberOf(walk: RecordWalk, name: Uint8Array): number | null {
  const value = walk.header(name);
  return value === null ? null : Number(textOf(value));
}
