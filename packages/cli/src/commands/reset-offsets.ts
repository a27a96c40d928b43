import type { Admin, OffsetSpec, TopicPartition } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import { parseTime } from "../args/values.ts";
import { CommandError, UsageError } from "../terminal/failures.ts";
import type { Output } from "../terminal/output.ts";
import { counted } from "../terminal/progress.ts";

export interface Reset {
  readonly where: OffsetSpec | { readonly shiftBy: number };
  /** Null for all partitions with a committed offset. */
  readonly scope: readonly Scope[] | null;
  readonly execute: boolean;
}

interface Scope {
  readonly topic: string;
  /** Null for all partitions. */
  readonly partitions: readonly number[] | null;
}

type ParseWhere = (args: Arguments) => Reset["where"];

const WHERE: Readonly<Record<string, ParseWhere>> = {
  "to-earliest": () => "earliest",
  "to-latest": () => "latest",
  "to-offset": (args) => args.integer("to-offset")!,
  "to-datetime": (args) => ({
    timestampMs: parseTime(args.required("to-datetime"), "--to-datetime"),
  }),
  "shift-by": (args) => ({ shiftBy: args.integer("shift-by", Number.MIN_SAFE_INTEGER)! }),
};

export function resetFrom(args: Arguments): Reset {
  const given = Object.keys(WHERE).filter((name) => args.has(name));
  if (given.length !== 1) {
    const names = Object.keys(WHERE).map((name) => `--${name}`);
    throw new UsageError(`reset-offsets needs exactly one of ${names.join(", ")}`);
  }
  const topics = args.texts("topic");
  if (topics.length > 0 === args.has("all-topics"))
    throw new UsageError("reset-offsets needs either --topic NAME[:0,1] or --all-topics");
  const where = WHERE[given[0]!]!(args);
  const scope = args.has("all-topics") ? null : topics.map(parseScope);
  return { where, scope, execute: args.has("execute") };
}

function parseScope(text: string): Scope {
  const [, topic, numbers] = /^([^:]+)(?::(\d+(?:,\d+)*))?$/.exec(text) ?? [];
  if (topic === undefined)
    throw new UsageError(
      `--topic must be a name or NAME:0,1 with partitions, not ${JSON.stringify(text)}`,
    );
  return { topic, partitions: numbers === undefined ? null : numbers.split(",").map(Number) };
}

interface Move extends TopicPartition {
  readonly from: number | null;
  readonly offset: number;
}

/** Shows where the group would continue, and with --execute commits these offsets. */
export async function resetOffsets(
  admin: Admin,
  output: Output,
  groupId: string,
  { where, scope, execute }: Reset,
): Promise<void> {
  await assertNoMembers(admin, groupId);
  const moves = await plan(admin, groupId, where, scope);
  const rows = moves.map((move) => [move.topic, move.partition, move.from ?? "-", move.offset]);
  const found = moves.map(({ from, ...move }) => ({ groupId, committed: from, ...move }));
  const headings = ["topic", "partition", "committed", "new offset"];
  output.table(found, headings, rows, `group ${groupId}: there are no partitions to reset`);
  if (!execute) return output.note("nothing was changed; to commit these offsets, add: --execute");
  await admin.alterGroupOffsets(groupId, moves);
  const size = counted(moves.length, "partition");
  output.text(`reset the offsets of group ${groupId} in ${size}\n`);
}

/** A group that does not exist yet may get offsets to start from: the commit creates it. */
async function assertNoMembers(admin: Admin, groupId: string): Promise<void> {
  const group = await admin.describeGroup(groupId).catch((error) => {
    if (error.code === "TARPAN_KAFKA_GROUP_ID_NOT_FOUND") return null;
    throw error;
  });
  if (group === null || group.state === "Empty") return;
  const { state, members } = group;
  const size = counted(members.length, "member");
  throw new CommandError(
    `group ${groupId} is in state ${state} with ${size}; stop its consumers first, ` +
      "then its offsets can be reset",
  );
}

async function plan(
  admin: Admin,
  groupId: string,
  where: Reset["where"],
  scope: Reset["scope"],
): Promise<Move[]> {
  const committed = await admin.groupOffsets(groupId);
  if (scope === null && committed.length === 0)
    throw new CommandError(
      `group ${groupId} has committed nothing; name topics with: --topic NAME`,
    );
  const partitions = scope === null ? committed : await partitionsOf(admin, scope);
  const moves = partitions.map(async ({ topic, partition }) => {
    const is = (at: TopicPartition) => at.topic === topic && at.partition === partition;
    const from = committed.find(is)?.offset ?? null;
    const wanted = shifted(where, from, `${topic}-${partition}`);
    return { topic, partition, from, offset: await within(admin, { topic, partition }, wanted) };
  });
  return Promise.all(moves);
}

async function partitionsOf(admin: Admin, scope: readonly Scope[]): Promise<TopicPartition[]> {
  const all = new Map<string, TopicPartition>();
  for (const { topic, partitions } of scope) {
    const known = (await admin.describeTopic(topic)).partitions.map(({ partition }) => partition);
    for (const partition of partitions ?? known)
      all.set(`${topic}:${partition}`, { topic, partition });
  }
  return [...all.values()];
}

function shifted(where: Reset["where"], from: number | null, about: string): OffsetSpec {
  if (typeof where !== "object" || !("shiftBy" in where)) return where;
  if (from !== null) return Math.max(0, from + where.shiftBy);
  throw new CommandError(
    `nothing is committed for ${about}, so there is nothing to shift; start from: --to-earliest`,
  );
}

/** Keeps the offset inside the log, as Kafka's own tool does. */
async function within(admin: Admin, at: TopicPartition, wanted: OffsetSpec): Promise<number> {
  if (typeof wanted !== "number") return admin.offset(at, wanted);
  const [first, end] = await Promise.all([
    admin.offset(at, "earliest"),
    admin.offset(at, "latest"),
  ]);
  return Math.min(Math.max(wanted, first), end);
}
