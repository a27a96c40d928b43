import { IncrementalAlterConfigs, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { onEach } from "../security/permission.ts";
import { alteredResources } from "./altered-resources.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * IncrementalAlterConfigs: v0-1. v1 flexible. Sets and deletes configs, and appends to and
 * subtracts from lists. Makes all changes of a resource or none. For topics, groups and brokers,
 * also other ones; other resources are answered with INVALID_REQUEST.
 */
export const incrementalAlterConfigs = handler({
  api: IncrementalAlterConfigs,
  versions: "0-1",
  authorize: [onEach("alterConfigs", "topic"), onEach("alterConfigs", "cluster")],
  handle,
  failure,
});

type Request = RequestOf<typeof IncrementalAlterConfigs>;
type Response = ResponseInput<typeof IncrementalAlterConfigs>;

async function handle(request: Request, { services }: RequestContext): Promise<Response> {
  const { resources, validateOnly } = request;
  const changes = resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    replace: false,
    changes: configs.map(({ name, value, configOperation: operation }) => {
      return { name, value, operation };
    }),
  }));
  const { controller, nodeId } = services.metadata;
  const altered = await controller.alterConfigs({ resources: changes, validateOnly, nodeId });
  return { responses: alteredResources(resources, altered.resources) };
}

function failure({ resources }: Request, errorCode: number): Response {
  const failed = refused(errorCode);
  return {
    responses: alteredResources(
      resources,
      resources.map(() => failed),
    ),
  };
}
