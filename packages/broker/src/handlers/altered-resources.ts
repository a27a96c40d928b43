import type { Outcome } from "../metadata/outcome.ts";

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
