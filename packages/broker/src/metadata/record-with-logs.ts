import { LogError } from "../log/log-error.ts";
import { type Decision, StateMachineError } from "../state-machine/replayed-state.ts";
import type { MetadataImage } from "./image.ts";
import type { LocalController } from "./local-controller.ts";
import type { Outcome } from "./outcome.ts";
import type { NewLog } from "./partition-host.ts";
import type { MetadataRecord } from "./records.ts";
import { storageRefusal } from "./storage-refusal.ts";

type RecordsOf<Plan> = (image: MetadataImage, plan: Plan) => MetadataRecord[] | Outcome;

/**
 * Creates the logs that the plans need, then appends the records of the plans that are still valid.
 * Returns the other plans; their logs are deleted again. If it is unknown whether the records
 * were stored, the logs stay, because a topic may own them.
 */
export async function recordWithLogs<Plan>(
  controller: LocalController,
  plans: readonly Plan[],
  logsOf: (plan: Plan) => NewLog[],
  recordsOf: RecordsOf<Plan>,
): Promise<ReadonlyMap<Plan, Outcome>> {
  if (plans.length === 0) return new Map();
  const { host } = controller;
  const discard = (some: readonly Plan[]) =>
    host.discardLogs(some.flatMap(logsOf).map(({ id }) => id));
  let lost: ReadonlyMap<Plan, Outcome>;
  try {
    if (controller.failure !== null) throw controller.failure;
    await host.createLogs(plans.flatMap(logsOf));
    lost = await controller.decide((image) => decideAll(image, plans, recordsOf));
  } catch (error) {
    if (!(error instanceof LogError || error instanceof StateMachineError)) {
      await discard(plans);
      throw error;
    }
    const failed = storageRefusal(error);
    lost = new Map(plans.map((plan) => [plan, failed]));
    if (error instanceof StateMachineError && error.code === "TARPAN_STATE_OFFLINE") return lost;
  }
  if (lost.size > 0) await discard([...lost.keys()]);
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
