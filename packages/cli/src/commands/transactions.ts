import type { Admin, HangingTransaction, TopicPartition } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS, JSON_OPTIONS } from "../args/options.ts";
import { parseDuration } from "../args/values.ts";
import { UsageError } from "../terminal/failures.ts";
import type { Output } from "../terminal/output.ts";
import { adminAction } from "./admin-action.ts";
import { partitionsText } from "./partitions-text.ts";

const actions: Actions = {
  list: adminAction("list transactional ids and their states", (args) => {
    const states = args.texts("state");
    return async (admin, output) => {
      const found = await admin.listTransactions({ states });
      const headings = ["transactional id", "state", "producer id", "coordinator"];
      const rows = found.map((each) => {
        return [each.transactionalId, each.state, each.producerId, each.coordinator];
      });
      const none =
        states.length === 0
          ? "no transactional id is known; a producer's first transaction makes it known"
          : `no transactional id is in the state ${states.join(" or ")}`;
      output.table(found, headings, rows, none);
    };
  }),
  describe: adminAction("show a transactional id's producer, state and partitions", (args) => {
    const ids = args.allNamed("transactional-id");
    return (admin, output) => describeAll(admin, output, ids);
  }),
  "describe-producers": adminAction(
    "show who writes to a partition, and who holds it up",
    (args) => {
      const at = partitionFrom(args);
      return async (admin, output) => {
        const found = await admin.describeProducers(at);
        const rows = found.map((each) => [...producerCells(each), each.lastSequence]);
        const none = `${at.topic}-${at.partition} has no producer with an id`;
        output.table(found, [...PRODUCER_HEADINGS, "last sequence"], rows, none);
      };
    },
  ),
  "find-hanging": adminAction("find open transactions that no coordinator will end", (args) => {
    const [topic, partition] = [args.text("topic"), partitionOf(args)];
    if (partition !== undefined && topic === undefined)
      throw new UsageError("--partition needs --topic");
    const longest = args.text("max-transaction-timeout");
    const maxTimeoutMs = longest && parseDuration(longest, "--max-transaction-timeout");
    const where = { topic, partition, maxTimeoutMs: maxTimeoutMs || undefined };
    return async (admin, output) =>
      printHanging(output, await admin.findHangingTransactions(where));
  }),
  abort: adminAction("abort a hanging transaction in one partition", (args) => {
    const at = partitionFrom(args);
    const startOffset = args.integer("start-offset");
    if (startOffset === undefined) throw new UsageError("--start-offset is missing");
    return async (admin, output) => {
      await admin.abortTransaction(at, startOffset);
      const where = `${at.topic}-${at.partition}`;
      const text = `aborted the transaction that begins at offset ${startOffset} of ${where}\n`;
      output.add({ ...at, startOffset, aborted: true }, text);
    };
  }),
};

export const transactions: Command = {
  name: "transactions",
  summary: "List and describe transactions, find and abort hanging ones.",
  usage: [
    "list     [--state NAME]…",
    "describe ID…",
    "describe-producers --topic NAME --partition N",
    "find-hanging [--topic NAME [--partition N]] [--max-transaction-timeout TIME]",
    "abort    --topic NAME --partition N --start-offset N",
  ],
  options: [
    ...BOOTSTRAP_OPTIONS,
    { name: "transactional-id", argument: "ID", help: "describe: the same as a bare ID" },
    {
      name: "state",
      argument: "NAME",
      repeat: true,
      help: "list: only those in this state, such as Ongoing",
    },
    { name: "topic", short: "t", argument: "NAME", help: "a topic" },
    { name: "partition", short: "p", argument: "N", help: "a partition of it" },
    { name: "start-offset", argument: "N", help: "abort: the transaction's first offset" },
    {
      name: "max-transaction-timeout",
      argument: "TIME",
      help: "find-hanging: pass over producers that have written since (15m)",
    },
    ...JSON_OPTIONS,
  ],
  examples: [
    "tarpan transactions list --state Ongoing",
    "tarpan transactions describe transfer-1",
    "tarpan transactions find-hanging --topic orders",
    "tarpan transactions abort --topic orders --partition 0 --start-offset 4711",
  ],
  run: actions,
};

const PRODUCER_HEADINGS = [
  ...["producer id", "epoch", "coordinator epoch", "start offset", "last written"],
];

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly startOffset: number | null;
  readonly lastTimestamp: number;
}

function producerCells(producer: Producer): (string | number)[] {
  const { producerId, producerEpoch, coordinatorEpoch, startOffset, lastTimestamp } = producer;
  return [
    ...[producerId, producerEpoch, coordinatorEpoch, startOffset ?? "-"],
    lastTimestamp < 0 ? "-" : timeText(lastTimestamp),
  ];
}

async function describeAll(admin: Admin, output: Output, ids: readonly string[]): Promise<void> {
  const described = [];
  for (const id of ids) described.push(await admin.describeTransaction(id));
  const headings = ["transactional id", "state", "producer id", "epoch", "coordinator"];
  const rows = described.map(({ startMs, ...each }) => [
    ...[each.transactionalId, each.state, each.producerId, each.producerEpoch, each.coordinator],
    ...[`${each.timeoutMs} ms`, startMs === null ? "-" : timeText(startMs)],
    partitionsText(each.partitions),
  ]);
  output.table(described, [...headings, "time-out", "began", "partitions"], rows, "");
}

function printHanging(output: Output, found: readonly HangingTransaction[]): void {
  const rows = found.map((each) => [each.topic, each.partition, ...producerCells(each)]);
  const headings = ["topic", "partition", ...PRODUCER_HEADINGS];
  output.table(found, headings, rows, "no transaction hangs");
  if (found.length > 0)
    output.note(
      "readers of committed records wait for these; end one with: tarpan transactions abort " +
        "--topic NAME --partition N --start-offset N",
    );
}

function partitionFrom(args: Arguments): TopicPartition {
  const topic = args.required("topic");
  const partition = partitionOf(args);
  if (partition === undefined) throw new UsageError("--partition is missing");
  return { topic, partition };
}

const partitionOf = (args: Arguments) => args.integer("partition", 0, 2 ** 31 - 1);
const timeText = (ms: number) => new Date(ms).toISOString();
