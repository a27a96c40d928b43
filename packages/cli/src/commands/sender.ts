import {
  type Acks,
  type Client,
  DelayedProducer,
  type DelayedSend,
  OrderedProducer,
  Producer,
  TransactionalProducer,
} from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Option } from "../args/options.ts";
import { parseCompression, parseDuration, parseTime } from "../args/values.ts";
import { DelayedSender } from "../records/delayed-sender.ts";
import { DirectSender, OrderedSender, type Sender } from "../records/sender.ts";
import { TransactionSender } from "../records/transaction-sender.ts";
import { UsageError } from "../terminal/failures.ts";
import type { Output } from "../terminal/output.ts";

const ACKS: Readonly<Record<string, Acks>> = { all: "all", "-1": "all", "1": 1, "0": 0 };

export const SENDER_OPTIONS: readonly Option[] = [
  {
    name: "delay",
    argument: "TIME",
    help: "deliver after this time, such as 5m or 1h30m, or level1 to level18",
  },
  {
    name: "deliver-at",
    argument: "TIME",
    help: "deliver at this time: a date, or milliseconds since 1970",
  },
  {
    name: "id",
    argument: "ID",
    help: "with --delay or --deliver-at: names the message, and replaces the one of this name",
  },
  {
    name: "order-key",
    argument: "TEXT",
    help: "records with the same order key go to one partition, and are handled in order",
  },
  {
    name: "transactional-id",
    argument: "ID",
    help: "send all in one transaction, which is committed at the end of the input",
  },
  {
    name: "compression",
    short: "z",
    argument: "CODEC",
    help: "none, gzip, snappy, lz4 or zstd",
  },
  { name: "acks", argument: "ACKS", help: "all (default), 1 or 0" },
];

type OpenSender = (client: Client, output: Output, deliveryTimeoutMs: number | undefined) => Sender;

/** How the records are sent. Checks the options at once. */
export function senderFrom(args: Arguments): OpenSender {
  const compression = parseCompression(args.text("compression") ?? "none");
  const special = ["delay", "deliver-at", "order-key", "transactional-id"];
  const [given, other] = special.filter((name) => args.has(name));
  if (other !== undefined) throw new UsageError(`--${other} does not go with --${given}`);
  if (given === "order-key") {
    if (args.has("partition"))
      throw new UsageError("--partition does not go with --order-key, which chooses the partition");
    const orderKey = args.required("order-key");
    return (client, _output, deliveryTimeoutMs) =>
      new OrderedSender(new OrderedProducer(client, { compression, deliveryTimeoutMs }), orderKey);
  }
  if (given === "transactional-id") {
    const transactionalId = args.required("transactional-id");
    return (client, _output, deliveryTimeoutMs) => {
      const options = { transactionalId, compression, deliveryTimeoutMs };
      return new TransactionSender(new TransactionalProducer(client, options));
    };
  }
  if (given !== undefined) {
    const delivery = deliveryFrom(args);
    return (client, output, deliveryTimeoutMs) =>
      new DelayedSender(
        new DelayedProducer(client, { compression, deliveryTimeoutMs }),
        delivery,
        output,
      );
  }
  const acks = ACKS[args.text("acks") ?? "all"];
  if (acks === undefined) throw new UsageError("--acks must be all, 1 or 0");
  return (client, _output, deliveryTimeoutMs) =>
    new DirectSender(new Producer(client, { acks, compression, deliveryTimeoutMs }));
}

function deliveryFrom(args: Arguments): DelayedSend {
  const [delay, at, id] = [args.text("delay"), args.text("deliver-at"), args.text("id")];
  if (id !== undefined && (!args.has("message") || (args.integer("count") ?? 1) > 1))
    throw new UsageError("--id names one message: give it with --message");
  if (at !== undefined) {
    const ms = /^\d+$/.test(at) ? `@${at}` : at;
    return { id, deliverAt: parseTime(ms, "--deliver-at") };
  }
  const level = /^level(\d+)$/.exec(delay!)?.[1];
  if (level !== undefined) return { id, level: Number(level) };
  return { id, delayMs: parseDuration(delay!, "--delay") };
}
