// Converts operators' requests and answers to and from the messages between brokers.
import type { RequestInput, RequestOf, ResponseOf } from "@tarpan/protocol";
import type {
  DescribeCoordinatedGroup,
  ListCoordinatedGroups,
  PlanLedOffsets,
  ResetCoordinatedOffsets,
} from "../rpc/messages/index.ts";
import { AdminError } from "./admin-error.ts";
import type {
  GroupDetail,
  GroupSummary,
  OffsetMove,
  OffsetReset,
  ResetTarget,
} from "./groups-admin.ts";
import type { ResetFrom } from "./offset-reset.ts";

type Summary = ResponseOf<typeof ListCoordinatedGroups>["groups"][number];
type Detail = NonNullable<ResponseOf<typeof DescribeCoordinatedGroup>["group"]>;
type Target = Pick<RequestOf<typeof PlanLedOffsets>, "targetKind" | "targetValue">;
type Move = ResponseOf<typeof PlanLedOffsets>["moves"][number];

/** In messages, an offset that is unknown or does not exist. */
const NONE = -1;

export function summaryOf(message: Summary): GroupSummary {
  return { ...message, kind: message.kind as GroupSummary["kind"] };
}

export function detailMessage({ offsets, members, ...summary }: GroupDetail): Detail {
  return {
    ...summary,
    members: members.map((member) => ({ ...member, assignment: assigned(member) })),
    offsets: offsets.map((one) => ({
      ...one,
      endOffset: one.endOffset ?? NONE,
      lag: one.lag ?? NONE,
    })),
  };
}

function assigned({ assignment }: GroupDetail["members"][number]) {
  return assignment?.map((one) => ({ ...one, partitions: [...one.partitions] })) ?? null;
}

export function detailOf({ offsets, ...message }: Detail): GroupDetail {
  return {
    ...message,
    kind: message.kind as GroupSummary["kind"],
    offsets: offsets.map((one) => ({
      ...one,
      endOffset: known(one.endOffset),
      lag: known(one.lag),
    })),
  };
}

export function resetMessage(
  groupId: string,
  { to, ...reset }: OffsetReset,
): RequestInput<typeof ResetCoordinatedOffsets> {
  return { groupId, ...reset, ...targetMessage(to) };
}

export function resetOf(message: RequestOf<typeof ResetCoordinatedOffsets>): OffsetReset {
  const { topic, partitions, execute } = message;
  return { topic, partitions, execute, to: targetOf(message) };
}

export function planMessage(
  topic: string,
  to: ResetTarget,
  wanted: readonly ResetFrom[],
): RequestInput<typeof PlanLedOffsets> {
  const partitions = wanted.map(({ partition, from }) => ({ partition, from: from ?? NONE }));
  return { topic, ...targetMessage(to), partitions };
}

export function wantedOf({ partitions }: RequestOf<typeof PlanLedOffsets>): ResetFrom[] {
  return partitions.map(({ partition, from }) => ({ partition, from: known(from) }));
}

export function moveMessage({ from, ...move }: OffsetMove): Move {
  return { ...move, from: from ?? NONE };
}

export function moveOf({ from, ...move }: Move): OffsetMove {
  return { ...move, from: known(from) };
}

function targetMessage(to: ResetTarget): Target {
  if (to === "earliest") return { targetKind: 0, targetValue: 0 };
  if (to === "latest") return { targetKind: 1, targetValue: 0 };
  if ("offset" in to) return { targetKind: 2, targetValue: to.offset };
  if ("timestamp" in to) return { targetKind: 3, targetValue: to.timestamp };
  return { targetKind: 4, targetValue: to.shiftBy };
}

/** Throws for a kind that only a later release knows. */
export function targetOf({ targetKind, targetValue }: Target): ResetTarget {
  switch (targetKind) {
    case 0:
      return "earliest";
    case 1:
      return "latest";
    case 2:
      return { offset: targetValue };
    case 3:
      return { timestamp: targetValue };
    case 4:
      return { shiftBy: targetValue };
    default:
      throw new AdminError(
        "invalid",
        `a broker of an older release does not know targets of kind ${targetKind}: upgrade it`,
        { field: "to" },
      );
  }
}

export function known(offset: number): number | null {
  return offset === NONE ? null : offset;
}
