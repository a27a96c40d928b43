import { type Outcome, refused } from "../metadata/outcome.ts";
import { DENIED } from "../security/permission.ts";
import { allowsConfigs, configOwner } from "./allowed.ts";
import type { RequestContext } from "./handler.ts";

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** The results of both APIs that alter configs: one per resource, in the request's order. */
export function alteredResources(resources: readonly Resource[], outcomes: readonly Outcome[]) {
  return resources.map(({ resourceType, resourceName }, index) => {
    return { resourceType, resourceName, ...outcomes[index]! };
  });
}

/** Null if the client may change the resource's configs. */
export function deniedConfigs(context: RequestContext, resource: Resource): Outcome | null {
  if (allowsConfigs(context, "alterConfigs", resource)) return null;
  return refused(DENIED[configOwner(resource.resourceType)]);
}

/** The resources whose configs the client may change; `outcomes` adds those of the others. */
export function splitConfigs<One extends Resource>(
  context: RequestContext,
  resources: readonly One[],
) {
  const denied = resources.map((resource) => deniedConfigs(context, resource));
  const outcomes = (altered: readonly Outcome[]): Outcome[] => {
    const rest = altered.values();
    return denied.map((outcome) => outcome ?? rest.next().value!);
  };
  return { allowed: resources.filter((_, index) => denied[index] === null), outcomes };
}
