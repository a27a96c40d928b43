import type { Admin } from "@tarpan/client";
import type { Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS } from "../args/options.ts";
import type { Io } from "../terminal/io.ts";
import { counted } from "../terminal/progress.ts";
import { columns } from "../terminal/table.ts";
import { adminAction } from "./admin-action.ts";
import { eachNamed } from "./each-named.ts";
import { partitionsText } from "./partitions-text.ts";
import { resetFrom, resetOffsets } from "./reset-offsets.ts";

const actions: Actions = {
  list: adminAction("list groups, one per line", () => listGroups),
  describe: adminAction("show members and their partitions", (args) =>
    eachNamed(args, "group", describeGroup),
  ),
  lag: adminAction("show committed offsets, end offsets and lag", (args) =>
    eachNamed(args, "group", showLag),
  ),
  "reset-offsets": adminAction("plan or commit new offsets for a group without members", (args) => {
    const reset = resetFrom(args);
    const groupId = args.named("group");
    return (admin, io) => resetOffsets(admin, io, groupId, reset);
  }),
  delete: adminAction("delete groups and their committed offsets", (args) =>
    eachNamed(args, "group", deleteGroup),
  ),
};

export const group: Command = {
  name: "group",
  summary: "List, describe and delete consumer groups, show their lag, reset their offsets.",
  usage: [
    "list",
    "describe NAME…",
    "lag      NAME…",
    "reset-offsets NAME WHERE (--topic NAME[:0,1]… | --all-topics) [--execute]",
    "delete   NAME…",
  ],
  options: [
    ...BOOTSTRAP_OPTIONS,
    { name: "group", short: "g", argument: "NAME", help: "a group, the same as a bare NAME" },
    {
      name: "topic",
      short: "t",
      argument: "NAME[:0,1]",
      repeat: true,
      help: "a topic to reset, or some of its partitions",
    },
    { name: "all-topics", help: "reset all partitions with a committed offset" },
    { name: "to-earliest", help: "WHERE: the first record" },
    { name: "to-latest", help: "WHERE: the end, skipping all records" },
    { name: "to-offset", argument: "N", help: "WHERE: an offset" },
    {
      name: "to-datetime",
      argument: "TIME",
      help: "WHERE: a date, or @MS: milliseconds since 1970",
    },
    { name: "shift-by", argument: "N", help: "WHERE: N records forward, or back if N is negative" },
    { name: "execute", help: "commit; without it, only the plan is shown" },
  ],
  examples: [
    "tarpan group list",
    "tarpan group lag --group billing",
    "tarpan group reset-offsets --group billing --to-earliest --topic orders:0,1",
    "tarpan group reset-offsets --group billing --shift-by -100 --all-topics --execute",
    "tarpan group reset-offsets billing --to-datetime 2026-11-20T10:00:00Z --topic orders",
  ],
  run: actions,
};

async function listGroups(admin: Admin, io: Io): Promise<void> {
  const groups = await admin.listGroups();
  if (groups.length === 0) {
    io.stderr.write("no groups yet; a consumer creates its group when it joins\n");
    return;
  }
  const rows = groups.map(({ groupId, type, state }) => [groupId, type || "-", state || "-"]);
  io.stdout.write(columns([["group", "type", "state"], ...rows]));
}

async function describeGroup(admin: Admin, io: Io, groupId: string): Promise<void> {
  const { type, state, assignor, coordinator, members } = await admin.describeGroup(groupId);
  const kind = assignor === "" ? type : `${type}, ${assignor}`;
  const size = counted(members.length, "member");
  io.stdout.write(`group ${groupId} (${kind}): ${state}, ${size}, coordinator: ${coordinator}\n`);
  if (members.length === 0) return;
  const rows = members.map((member) => [
    member.memberId,
    member.groupInstanceId ?? "-",
    member.clientId,
    member.host,
    partitionsText(member.partitions),
  ]);
  io.stdout.write(columns([["member", "instance", "client", "host", "partitions"], ...rows]));
}

async function showLag(admin: Admin, io: Io, groupId: string): Promise<void> {
  const lags = await admin.groupLag(groupId);
  if (lags.length === 0) {
    io.stderr.write(`group ${groupId} has no committed offsets and reads no partitions\n`);
    return;
  }
  const rows = lags.map(({ topic, partition, committed, end, lag, memberId }) =>
    [topic, partition, committed ?? "-", end ?? "-", lag ?? "-", memberId ?? "-"].map(String),
  );
  const headings = ["topic", "partition", "committed", "end offset", "lag", "member"];
  io.stdout.write(columns([headings, ...rows]));
}

async function deleteGroup(admin: Admin, io: Io, groupId: string): Promise<void> {
  await admin.deleteGroups([groupId]);
  io.stdout.write(`deleted group ${groupId}\n`);
}
