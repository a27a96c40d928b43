import type { QuotaEntity } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS, JSON_OPTIONS } from "../args/options.ts";
import { CommandError, UsageError } from "../terminal/failures.ts";
import { adminAction } from "./admin-action.ts";

const actions: Actions = {
  list: adminAction("list quotas", () => async (admin, output) => {
    const found = await admin.describeClientQuotas();
    const rows = found.flatMap(({ entity, quotas }) =>
      Object.entries(quotas).map(([name, value]) => [entityText(entity), name, value]),
    );
    const none = "no quotas yet; set one with: tarpan quota set --user NAME NAME=NUMBER";
    output.table(found, ["of", "quota", "value"], rows, none);
  }),
  set: adminAction("set quotas of a user, client id or address", (args) => {
    const entity = entityFrom(args);
    const quotas = Object.fromEntries(quotasFrom(args).map(quotaFrom));
    return async (admin, output) => {
      await admin.alterClientQuotas(entity, quotas);
      for (const [name, value] of Object.entries(quotas)) {
        output.add({ entity, name, value }, `${entityText(entity)}: ${name}=${value}\n`);
      }
    };
  }),
  remove: adminAction("remove quotas", (args) => {
    const entity = entityFrom(args);
    const names = quotasFrom(args);
    return async (admin, output) => {
      const of = entityText(entity);
      const found = (await admin.describeClientQuotas()).find(
        (one) => entityText(one.entity) === of,
      );
      const missing = names.find((name) => found?.quotas[name] === undefined);
      // Brokers do not mind: a misspelt name would seem to be removed, and the quota would stay.
      if (missing !== undefined) {
        throw new CommandError(`${of} has no quota ${missing}; list them with: tarpan quota list`);
      }
      await admin.alterClientQuotas(entity, Object.fromEntries(names.map((name) => [name, null])));
      for (const name of names) {
        output.add({ entity, name, value: null }, `${entityText(entity)}: ${name} removed\n`);
      }
    };
  }),
};

export const quota: Command = {
  name: "quota",
  summary: "List, set and remove quotas, which limit what clients use.",
  usage: [
    "list",
    "set    OF… --quota NAME=NUMBER…    (OF: --user, --client-id or both; or --ip)",
    "remove OF… --quota NAME…",
  ],
  options: [
    ...BOOTSTRAP_OPTIONS,
    { name: "user", argument: "NAME", help: "a user" },
    { name: "default-user", help: "users without a quota of their own" },
    { name: "client-id", argument: "ID", help: "a client id" },
    { name: "default-client-id", help: "client ids without a quota of their own" },
    { name: "ip", argument: "ADDRESS", help: "an address" },
    { name: "default-ip", help: "addresses without a quota of their own" },
    {
      ...{ name: "quota", argument: "NAME[=NUMBER]", repeat: true },
      help: "producer_byte_rate, consumer_byte_rate, request_percentage, … as Kafka names them",
    },
    ...JSON_OPTIONS,
  ],
  examples: [
    "tarpan quota set --user alice --quota producer_byte_rate=10485760",
    "tarpan quota set --default-client-id --quota request_percentage=20",
    "tarpan quota remove --user alice --quota producer_byte_rate",
    "tarpan quota list",
  ],
  run: actions,
};

function entityFrom(args: Arguments): QuotaEntity {
  const of = (name: string): string | null | undefined => {
    const named = args.text(name);
    const isDefault = args.has(`default-${name}`);
    if (named !== undefined && isDefault) {
      throw new UsageError(`--${name} and --default-${name} exclude each other`);
    }
    return isDefault ? null : named;
  };
  const parts = { user: of("user"), clientId: of("client-id"), ip: of("ip") };
  const given = Object.entries(parts).filter(([, name]) => name !== undefined);
  if (given.length === 0) throw new UsageError("name a --user, a --client-id or an --ip");
  return Object.fromEntries(given);
}

function quotasFrom(args: Arguments): readonly string[] {
  const quotas = args.texts("quota");
  if (quotas.length === 0) throw new UsageError("--quota is missing");
  return quotas;
}

function quotaFrom(text: string): [name: string, value: number] {
  const [name = "", number = "", more] = text.split("=");
  const value = Number(number);
  if (name !== "" && number !== "" && more === undefined && value > 0) return [name, value];
  throw new UsageError(`--quota ${text}: it must be like producer_byte_rate=1048576`);
}

function entityText({ user, clientId, ip }: QuotaEntity): string {
  const part = (type: string, name: string | null | undefined) => {
    if (name === undefined) return [];
    return [name === null ? `default ${type}` : `${type} ${name}`];
  };
  return [...part("user", user), ...part("client-id", clientId), ...part("ip", ip)].join(", ");
}
