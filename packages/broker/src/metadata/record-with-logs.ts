import { ErrorCode } from "@tarpan/protocol";
import { LogError } from "../log/log.ts";
import { type Decision, type Replayed, StateMachineError } from "../state-machine/replayed.ts";
import type { MetadataImage } from "./image.ts";
import { type Outcome, refused } from "./outcome.ts";
import type { NewLog, PartitionHost } from "./partition-host.ts";
import type { MetadataRecord } from "./records.ts";

type RecordsOf<Plan> = (image: MetadataImage, plan: Plan) => MetadataRecord[] | Outcome;

/**
 * Makes the logs that plans need, then appends the records of those that still hold by then.
 * Returns the others, whose logs are gone again; only when it is unknown whether the records were
 * stored do the logs stay, since a topic may own them.
 */
export async function recordWithLogs<Plan>(
  replayed: Replayed<MetadataImage, MetadataRecord>,
  host: PartitionHost,
  plans: readonly Plan[],
  logsOf: (plan: Plan) => NewLog[],
  recordsOf: RecordsOf<Plan>,
): Promise<ReadonlyMap<Plan, Outcome>> {
  if (plans.length === 0) return new Map();
  let lost: ReadonlyMap<Plan, Outcome>;
  try {
    if (replayed.failure !== null) throw replayed.failure;
    await host.createLogs(plans.flatMap(logsOf));
    lost = await replayed.decide((image) => decideAll(image, plans, recordsOf));
  } catch (error) {
    const failed = storageRefusal(error);
    lost = new Map(plans.map((plan) => [plan, failed]));
    if (error instanceof StateMachineError && error.code === "TARPAN_STATE_OFFLINE") return lost;
  }
  if (lost.size > 0) await host.discardLogs([...lost.keys()].flatMap(logsOf).map(({ id }) => id));
  return lost;
}

function decideAll<Plan>(
  image: MetadataImage,
  plans: readonly Plan[],
  recordsOf: RecordsOf<Plan>,
): Decision<MetadataRecord, ReadonlyMap<Plan, Outcome>> {
  const records: MetadataRecord[] = [];
  const lost = new Map<Plan, Outcome>();
  for (const plan of plans) {
    const made = recordsOf(image, plan);
    if (Array.isArray(made)) records.push(...made);
    else lost.set(plan, made);
  }
  return { records, response: lost };
}

/** What could not be stored, said to a client. */
export function storageRefusal(error: unknown): Outcome {
  const cause = causeOf(error);
  switch (cause?.kind) {
    case "closed":
    case "fenced":
      return refused(ErrorCode.NOT_CONTROLLER, cause.message);
    case "unknown":
      return refused(ErrorCode.REQUEST_TIMED_OUT, cause.message);
    default:
      return refused(
        ErrorCode.KAFKA_STORAGE_ERROR,
        error instanceof Error ? error.message : String(error),
      );
  }
}

/**
 * Another broker's epoch stands in the log where this decision would: it is as good as certain that
 * it does not (only a trim by that broker could hide that it does), and every decision may be asked
 * twice.
 */
export function isFenced(error: unknown): boolean {
  return causeOf(error)?.kind === "fenced";
}

function causeOf(error: unknown): LogError | null {
  if (!(error instanceof StateMachineError)) return null;
  return error.cause instanceof LogError ? error.cause : null;
}
