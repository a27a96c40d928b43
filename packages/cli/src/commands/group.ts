import type { Admin } from "@tarpan/client";
import type { Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS, JSON_OPTIONS } from "../args/options.ts";
import type { Output } from "../terminal/output.ts";
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
    return (admin, output) => resetOffsets(admin, output, groupId, reset);
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
    ...JSON_OPTIONS,
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

async function listGroups(admin: Admin, output: Output): Promise<void> {
  const groups = await admin.listGroups();
  const rows = groups.map(({ groupId, type, state }) => [groupId, type || "-", state || "-"]);
  const none = "no groups yet; a consumer creates its group when it joins";
  output.table(groups, ["group", "type", "state"], rows, none);
}

async function describeGroup(admin: Admin, output: Output, groupId: string): Promise<void> {
  const described = await admin.describeGroup(groupId);
  const { type, state, assignor, coordinator, members } = described;
  const kind = assignor === "" ? type : `${type}, ${assignor}`;
  const size = counted(members.length, "member");
  const head = `group ${groupId} (${kind}): ${state}, ${size}, coordinator: ${coordinator}\n`;
  const rows = members.map((member) => [
    member.memberId,
    member.groupInstanceId ?? "-",
    member.clientId,
    member.host,
    partitionsText(member.partitions),
  ]);
  const headings = ["member", "instance", "client", "host", "partitions"];
  output.add(described, members.length === 0 ? head : head + columns([headings, ...rows]));
}

async function showLag(admin: Admin, output: Output, groupId: string): Promise<void> {
  const lags = await admin.groupLag(groupId);
  const rows = lags.map(({ topic, partition, committed, end, lag, memberId }) => [
    ...[topic, partition, committed ?? "-", end ?? "-", lag ?? "-", memberId ?? "-"],
  ]);
  const headings = ["topic", "partition", "committed", "end offset", "lag", "member"];
  const none = `group ${groupId} has no committed offsets and reads no partitions`;
  const found = lags.map((each) => ({ groupId, ...each }));
  output.table(found, headings, rows, none);
}

async function deleteGroup(admin: Admin, output: Output, groupId: string): Promise<void> {
  await admin.deleteGroups([groupId]);
  output.add({ groupId, deleted: true }, `deleted group ${groupId}\n`);
}
