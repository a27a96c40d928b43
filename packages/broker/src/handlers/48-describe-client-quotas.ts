import {
  DescribeClientQuotas,
  ErrorCode,
  type RequestOf,
  type ResponseInput,
} from "@tarpan/protocol";
import { DONE, type Outcome, refused } from "../metadata/outcome.ts";
import { CLIENT_ID, IP, type QuotaEntity, USER } from "../quotas/quota-entity.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * DescribeClientQuotas: v0-1 (KIP-546). v1 flexible. An entity is told when it fits all components
 * of the filter; with `strict` it must have no other parts.
 */
export const describeClientQuotas = handler({
  api: DescribeClientQuotas,
  versions: "0-1",
  authorize: [onCluster("describeConfigs")],
  handle,
  failure: (_request, errorCode) => ({ ...refused(errorCode), entries: null }),
});

type Request = RequestOf<typeof DescribeClientQuotas>;
type Response = ResponseInput<typeof DescribeClientQuotas>;
type Component = Request["components"][number];

/** Kafka's numbers of how a component matches a name. */
const EXACT = 0;
const DEFAULT = 1;
const SPECIFIED = 2;

function handle({ components, strict }: Request, { services }: RequestContext): Response {
  const problem = problemOf(components);
  if (problem !== null) return { ...problem, entries: null };
  // As in Kafka, a strict filter without components fits nothing.
  if (strict && components.length === 0) return { ...DONE, entries: [] };
  const entries = [];
  for (const { entity, values } of services.metadata.image.quotas.values()) {
    if (strict && entity.length !== components.length) continue;
    if (!components.every((component) => fits(entity, component))) continue;
    const told = [...values].map(([key, value]) => ({ key, value }));
    entries.push({ entity: [...entity], values: told });
  }
  return { ...DONE, entries };
}

function fits(entity: QuotaEntity, { entityType, matchType, match }: Component): boolean {
  const part = entity.find((one) => one.entityType === entityType);
  return part !== undefined && (matchType === SPECIFIED || part.entityName === match);
}

function problemOf(components: readonly Component[]): Outcome | null {
  const types = components.map(({ entityType }) => entityType);
  for (const [i, component] of components.entries()) {
    const problem = componentProblem(component, types.indexOf(component.entityType) < i);
    if (problem !== null) return problem;
  }
  if (!types.includes(IP) || types.length === 1) return null;
  return invalid("Invalid entity filter component combination: ip stands alone");
}

function componentProblem(
  { entityType, matchType, match }: Component,
  isSecond: boolean,
): Outcome | null {
  if (entityType === "") return invalid("Invalid empty entity type.");
  if (isSecond) return invalid(`Entity type ${entityType} cannot appear more than once`);
  if (![USER, CLIENT_ID, IP].includes(entityType)) {
    return refused(ErrorCode.UNSUPPORTED_VERSION, `Unsupported entity type ${entityType}`);
  }
  if (matchType === EXACT) return match === null ? invalid("An exact match needs a name") : null;
  if (matchType !== DEFAULT && matchType !== SPECIFIED) {
    return invalid(`Unknown match type ${matchType}`);
  }
  return match === null ? null : invalid(`Match type ${matchType} takes no name, and has one`);
}

function invalid(text: string): Outcome {
  return refused(ErrorCode.INVALID_REQUEST, text);
}
