/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {}

/** The command failed: exit code 1. The message says what to do next. */
export class CommandError extends Error {}

const HINTS: Readonly<Record<string, string>> = {
  TARPAN_UNKNOWN_TOPIC: "create it with: tarpan topic create --topic NAME",
  TARPAN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION: "list the topics with: tarpan topic list",
  TARPAN_KAFKA_INVALID_REPLICATION_FACTOR:
    "a topic has at most as many replicas as there are brokers, see: tarpan cluster status",
  TARPAN_KAFKA_TOPIC_ALREADY_EXISTS: "see it with: tarpan topic describe --topic NAME",
  TARPAN_KAFKA_GROUP_ID_NOT_FOUND: "list the groups with: tarpan group list",
  TARPAN_KAFKA_NON_EMPTY_GROUP: "stop its consumers: tarpan group describe --group NAME shows them",
  TARPAN_KAFKA_UNKNOWN_MEMBER_ID: "stop the group's consumers first, then try again",
  TARPAN_KAFKA_TRANSACTIONAL_ID_NOT_FOUND: "list them with: tarpan transactions list",
  TARPAN_NO_TRANSACTION: "see where they begin with: tarpan transactions describe-producers",
  TARPAN_KAFKA_KAFKA_STORAGE_ERROR: "the broker's disk may be full or failing: its log says more",
  TARPAN_KAFKA_MESSAGE_TOO_LARGE:
    "see the limit with: tarpan topic describe, change it with: tarpan topic alter NAME " +
    "--config max.message.bytes=BYTES",
  TARPAN_HANDLER_FAILED: "to go on without such a record: --dlq",
  TARPAN_NO_DEAD_LETTER: "see where they are with: tarpan dlq show TOPIC",
  TARPAN_NO_ORIGIN: "name a topic with: --to NAME",
  TARPAN_UNKNOWN_PARTITION: "see its partitions with: tarpan topic describe --topic NAME",
  TARPAN_PORT_IN_USE: "choose another with: --bind-port PORT",
  TARPAN_PORT_FORBIDDEN: "choose another with: --bind-port PORT",
  TARPAN_ADDRESS_UNAVAILABLE: "choose another with: --bind-addr HOST",
  TARPAN_OFFSET_OUT_OF_RANGE: "start at the first record with: --offset earliest",
};

/** One line: what went wrong and, if it is known, the next step. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, cause } = error as { code?: string; cause?: unknown };
  // It says which methods a program should call, and the cause what has failed.
  if (code === "TARPAN_TRANSACTION_FAILED" && cause instanceof Error) return describeFailure(cause);
  const hint = refused(error)
    ? "is the broker running? start one with: tarpan broker"
    : HINTS[code ?? ""];
  const message = error.message.trim().replace(/\s*\n\s*/g, " ");
  // The message may contain the hint already.
  return hint === undefined || message.includes(hint) ? message : `${message}; ${hint}`;
}

/** Whether the error is a bug, and not something that an operator can change. */
export function isBug(error: unknown): boolean {
  if (error instanceof UsageError || error instanceof CommandError) return false;
  return !(error instanceof Error) || (error as { code?: unknown }).code === undefined;
}

const FINAL: ReadonlySet<unknown> = new Set(["TARPAN_BROKER_REMOVED", "TARPAN_METADATA_TOO_NEW"]);

/** Whether starting again would fail in the same way, so that a service manager should not. */
export function isFinal(error: unknown): boolean {
  return FINAL.has((error as { code?: unknown } | null)?.code);
}

function refused(error: Error): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if ((at as { code?: string }).code === "ECONNREFUSED") return true;
  return false;
}
