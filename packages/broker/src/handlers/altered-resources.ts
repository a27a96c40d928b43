import type { Outcome } from "../metadata/outcome.ts";

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** The answer of both APIs that alter configs: an outcome per resource, in the request's order. */
export function alteredResources(resources: readonly Resource[], outcomes: readonly Outcome[]) {
  return resources.map(({ resourceType, resourceName }, index) => {
    return { resourceType, resourceName, ...outcomes[index]! };
  });
}
