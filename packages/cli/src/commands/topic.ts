import type { Admin, LogEnds, TopicMetadata } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS, JSON_OPTIONS } from "../args/options.ts";
import { parsePair } from "../args/values.ts";
import { describeFailure, UsageError } from "../terminal/failures.ts";
import type { Output } from "../terminal/output.ts";
import { counted } from "../terminal/progress.ts";
import { columns } from "../terminal/table.ts";
import { adminAction, type Prepare } from "./admin-action.ts";
import { eachNamed } from "./each-named.ts";
import { tellIgnoredConfigs } from "./ignored-configs.ts";

const MAX_INT32 = 2_147_483_647;
const MAX_INT16 = 32_767;

const actions: Actions = {
  create: adminAction("create topics", (args) => {
    const configs = Object.fromEntries(
      args.texts("config").map((pair) => parsePair(pair, "--config")),
    );
    const partitions = args.integer("partitions", 1, MAX_INT32);
    const replicas = args.integer("replicas", 1, MAX_INT16);
    return eachNamed(args, "topic", async (admin, output, name) => {
      await createTopic(admin, output, { name, partitions, replicas, configs });
      await tellIgnoredConfigs(admin, output, name, Object.keys(configs));
    });
  }),
  list: adminAction("list topics, one per line", (args) => {
    const internal = args.has("internal");
    return (admin, output) => listTopics(admin, output, internal);
  }),
  describe: adminAction("show partitions, replicas, offsets and configs", (args) =>
    eachNamed(args, "topic", describeTopic),
  ),
  alter: adminAction("add partitions, change configs", alterTopic),
  delete: adminAction("delete topics with all their records", (args) =>
    eachNamed(args, "topic", deleteTopic),
  ),
};

export const topic: Command = {
  name: "topic",
  summary: "Create, list, describe, alter and delete topics.",
  usage: [
    "create   NAME… [--partitions N] [--replicas N] [--config NAME=VALUE]…",
    "list     [--internal]",
    "describe NAME…",
    "alter    NAME [--partitions N] [--config NAME=VALUE]… [--delete-config NAME]…",
    "delete   NAME…",
  ],
  options: [
    ...BOOTSTRAP_OPTIONS,
    { name: "topic", short: "t", argument: "NAME", help: "a topic, the same as a bare NAME" },
    { name: "partitions", argument: "N", help: "number of partitions" },
    { name: "replicas", argument: "N", help: "number of replicas of each partition" },
    {
      name: "config",
      argument: "NAME=VALUE",
      repeat: true,
      help: "a topic config, such as max.message.bytes=2097152",
    },
    {
      name: "delete-config",
      argument: "NAME",
      repeat: true,
      help: "reset a config to the broker's default",
    },
    { name: "internal", help: "list internal topics too" },
    ...JSON_OPTIONS,
  ],
  examples: [
    "tarpan topic create --topic orders --partitions 3",
    "tarpan topic alter orders --config max.message.bytes=2097152",
    "tarpan topic describe orders --bootstrap broker1:9092",
  ],
  run: actions,
};

export async function createTopic(
  admin: Admin,
  output: Output,
  topic: Parameters<Admin["createTopic"]>[0],
): Promise<void> {
  const created = await admin.createTopic(topic);
  const { name, partitions, replicas } = created;
  const size =
    partitions < 0 ? "" : ` with ${counted(partitions, "partition")}, replicas: ${replicas}`;
  output.add(created, `created topic ${name}${size}\n`);
}

export async function listTopics(admin: Admin, output: Output, internal: boolean): Promise<void> {
  const topics = await admin.listTopics({ internal });
  const rows = topics.map((each) => [
    each.name,
    counted(each.partitions.length, "partition"),
    `replicas: ${replicasOf(each)}`,
  ]);
  const none = "no topics yet; create one with: tarpan topic create --topic NAME";
  output.table(topics, null, rows, none);
}

export async function deleteTopic(admin: Admin, output: Output, name: string): Promise<void> {
  await admin.deleteTopic(name);
  output.add({ name, deleted: true }, `deleted topic ${name}\n`);
}

export async function describeTopic(admin: Admin, output: Output, name: string): Promise<void> {
  const found = await admin.describeTopic(name);
  const configs = await admin.describeConfigs({ type: "topic", name });
  const set = configs.filter((config) => !config.isDefault);
  const ends = await admin.logEnds(found);
  const rows = found.partitions.map(({ partition, leader, replicas, inSyncReplicas }, index) => [
    String(partition),
    leader < 0 ? "none" : String(leader),
    replicas.join(","),
    inSyncReplicas.join(","),
    ...endsText(ends[index]!),
  ]);
  const size = `${counted(found.partitions.length, "partition")}, replicas: ${replicasOf(found)}`;
  const settings = set.map((config) => `  ${config.name}=${config.value ?? "(hidden)"}\n`);
  const head = `topic ${name} (id ${found.id}): ${size}\n${settings.join("")}`;
  const partitions = found.partitions.map((each, index) => ({
    ...each,
    ...endsJson(ends[index]!),
  }));
  output.add({ ...found, partitions, configs: set }, head + columns([HEADINGS, ...rows]));
}

function endsText(ends: LogEnds | Error): string[] {
  if (ends instanceof Error) return ["-", "-", `offline: ${describeFailure(ends)}`];
  return [String(ends.first), String(ends.end)];
}

function endsJson(ends: LogEnds | Error) {
  if (ends instanceof Error) return { first: null, end: null, offline: describeFailure(ends) };
  return ends;
}

const HEADINGS = ["partition", "leader", "replicas", "in sync", "first offset", "end offset"];

function alterTopic(args: Arguments): ReturnType<Prepare> {
  const name = args.named("topic");
  const partitions = args.integer("partitions", 1, MAX_INT32);
  const set = args.texts("config").map((pair) => parsePair(pair, "--config"));
  const deleted = args.texts("delete-config").map((config) => [config, null] as const);
  const changes = Object.fromEntries([...set, ...deleted]);
  if (partitions === undefined && Object.keys(changes).length === 0)
    throw new UsageError("nothing to alter: give --partitions, --config or --delete-config");
  return async (admin, output) => {
    // Configs first: if one is refused, the topic stays as it was.
    if (Object.keys(changes).length > 0) await admin.alterConfigs({ type: "topic", name }, changes);
    if (partitions !== undefined) await admin.createPartitions(name, partitions);
    output.add({ name, partitions, configs: changes }, `altered topic ${name}\n`);
    await tellIgnoredConfigs(admin, output, name, Object.keys(Object.fromEntries(set)));
  };
}

function replicasOf({ partitions }: TopicMetadata): number {
  return partitions[0]?.replicas.length ?? 0;
}
