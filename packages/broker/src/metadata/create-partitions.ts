import { ErrorCode } from "@tarpan/protocol";
import { DUPLICATE_TOPIC } from "./create-topics.ts";
import {
  isPlanValid,
  type PartitionsPlan,
  type PartitionsSpec,
  partitionsRecords,
  planPartitions,
} from "./decide-create-partitions.ts";
import type { LocalController } from "./local-controller.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import { newLogs } from "./partition-host.ts";
import { isRefusal } from "./placement.ts";
import { recordWithLogs } from "./record-with-logs.ts";

export interface CreatePartitionsRequest {
  readonly topics: readonly PartitionsSpec[];
  readonly validateOnly: boolean;
}

/** One result per name, in the order of the request. */
export interface CreatePartitionsResponse {
  readonly topics: readonly CreatedPartitions[];
}

export type CreatedPartitions = Outcome & { readonly name: string };

type Planned = CreatedPartitions & { readonly plan: PartitionsPlan | null };

export async function createPartitions(
  controller: LocalController,
  { topics: specs, validateOnly }: CreatePartitionsRequest,
): Promise<CreatePartitionsResponse> {
  const names = specs.map((spec) => spec.name);
  const topics = await controller.locks.hold(names, async () => {
    const planned = specs.map((spec): Planned => {
      const { name } = spec;
      const twice = names.indexOf(name) !== names.lastIndexOf(name);
      const plan = twice ? DUPLICATE_TOPIC : planPartitions(controller.image, spec);
      return isRefusal(plan) ? { name, plan: null, ...plan } : { name, plan, ...DONE };
    });
    const lost = validateOnly ? NONE_LOST : await growPlanned(controller, planned);
    return planned.map(({ plan, ...result }): CreatedPartitions => {
      const refusal = plan === null ? undefined : lost.get(plan);
      return refusal === undefined ? result : { name: result.name, ...refusal };
    });
  });
  return { topics };
}

const NONE_LOST: ReadonlyMap<PartitionsPlan, Outcome> = new Map();

function growPlanned(controller: LocalController, planned: readonly Planned[]) {
  const plans = planned.flatMap(({ plan }) => plan ?? []);
  const logs = (p: PartitionsPlan) => newLogs(p.name, p.topicId, p.from, p.partitions);
  return recordWithLogs(controller, plans, logs, (image, plan) => {
    if (isPlanValid(image, plan)) return partitionsRecords(plan);
    return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic '${plan.name}' was deleted`);
  });
}
