import { ErrorCode } from "@tarpan/protocol";
import {
  type EntityPart,
  entityKey,
  type QuotaEntity,
  quotaEntity,
} from "../quotas/quota-entity.ts";
import { entityProblem, valueProblem } from "../quotas/quota-key.ts";
import type { Decision } from "../state-machine/replayed-state.ts";
import type { MetadataImage } from "./image.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import { clientQuotaRecord, type MetadataRecord } from "./records.ts";

export interface AlterQuotasRequest {
  readonly entries: readonly QuotaAlteration[];
  readonly validateOnly: boolean;
}

interface QuotaAlteration {
  readonly entity: readonly EntityPart[];
  readonly ops: readonly QuotaOp[];
}

interface QuotaOp {
  readonly key: string;
  readonly value: number;
  readonly remove: boolean;
}

export interface AlteredQuotas extends Outcome {
  readonly entity: QuotaEntity;
}

/**
 * One outcome for each entity, as Kafka's `ClientQuotaControlManager` decides: an entity gets all
 * of its changes or none. If a request names an entity twice, only the first of the two is carried
 * out, and the outcome says that there was a second.
 */
export function decideAlterQuotas(
  image: MetadataImage,
  { entries, validateOnly }: AlterQuotasRequest,
): Decision<MetadataRecord, AlteredQuotas[]> {
  const records: MetadataRecord[] = [];
  const outcomes = new Map<string, AlteredQuotas>();
  for (const { entity: parts, ops } of entries) {
    const entity = quotaEntity(parts);
    const key = entityKey(entity);
    const problem = outcomes.has(key)
      ? "the request names this entity twice: only the first counts"
      : problemOf(entity, ops);
    if (problem === null) records.push(...changes(image, entity, ops));
    const outcome = problem === null ? DONE : refused(ErrorCode.INVALID_REQUEST, problem);
    outcomes.set(key, { ...outcome, entity });
  }
  return { records: validateOnly ? [] : records, response: [...outcomes.values()] };
}

function problemOf(entity: QuotaEntity, ops: readonly QuotaOp[]): string | null {
  const keys = ops.map(({ key }) => key);
  const seen = new Set<string>();
  const twice = keys.find((key) => seen.size === seen.add(key).size);
  if (twice !== undefined) return `${twice} is there twice`;
  const problem = entityProblem(entity);
  if (problem !== null) return problem;
  for (const { key, value, remove } of ops) {
    const found = remove ? null : valueProblem(entity, key, value);
    if (found !== null) return found;
  }
  return null;
}

/** What is so already needs no record. */
function changes(image: MetadataImage, entity: QuotaEntity, ops: readonly QuotaOp[]) {
  const current = image.quotas.get(entityKey(entity))?.values;
  return ops.flatMap(({ key, value, remove }) => {
    const next = remove ? null : value;
    if ((current?.get(key) ?? null) === next) return [];
    return [clientQuotaRecord(entity, key, next)];
  });
}
