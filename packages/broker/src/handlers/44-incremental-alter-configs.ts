import { IncrementalAlterConfigs, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { handler, type RequestContext } from "./handler.ts";

/**
 * IncrementalAlterConfigs: v0-1.
 * v1 flexible.
 * Sets, deletes, and, for lists, appends and subtracts; a resource's changes are all made or none.
 * Topics and brokers; other resources are answered with INVALID_REQUEST.
 */
export const incrementalAlterConfigs = handler(IncrementalAlterConfigs, "0-1", run, { failure });

type Request = RequestOf<typeof IncrementalAlterConfigs>;
type Response = ResponseInput<typeof IncrementalAlterConfigs>;

async function run(request: Request, { broker }: RequestContext): Promise<Response> {
  const { resources, validateOnly } = request;
  const changes = resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    replace: false,
    changes: configs.map(({ name, value, configOperation: operation }) => {
      return { name, value, operation };
    }),
  }));
  const outcomes = await broker.metadata.alterConfigs(changes, { validateOnly });
  return {
    responses: resources.map(({ resourceType, resourceName }, index) => {
      return { resourceType, resourceName, ...outcomes[index]! };
    }),
  };
}

function failure({ resources }: Request, errorCode: number): Response {
  return {
    responses: resources.map(({ resourceType, resourceName }) => {
      return { errorCode, errorMessage: null, resourceType, resourceName };
    }),
  };
}
