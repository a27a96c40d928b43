import { IncrementalAlterConfigs, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { ResourceType } from "../config/kafka/set-configs.ts";
import { refused } from "../metadata/outcome.ts";
import { onEach } from "../security/permission.ts";
import { alteredResources, deniedConfigs } from "./altered-resources.ts";
import { alterLoggers } from "./broker-loggers.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * IncrementalAlterConfigs: v0-1. v1 flexible. Sets and deletes configs, and appends to and
 * subtracts from lists. Makes all changes of a resource or none. For topics, groups and brokers,
 * also other ones, and for the loggers of this broker; other resources are answered with
 * INVALID_REQUEST.
 */
export const incrementalAlterConfigs = handler({
  api: IncrementalAlterConfigs,
  versions: "0-1",
  authorize: [
    onEach("alterConfigs", "topic"),
    onEach("alterConfigs", "group"),
    onEach("alterConfigs", "cluster"),
  ],
  handle,
  failure,
});

type Request = RequestOf<typeof IncrementalAlterConfigs>;
type Response = ResponseInput<typeof IncrementalAlterConfigs>;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services } = context;
  const { resources, validateOnly } = request;
  const { controller, nodeId } = services.metadata;
  // The levels of loggers are not kept: they are this broker's, until it stops.
  const own = resources.map((resource) => {
    const denied = deniedConfigs(context, resource);
    if (denied !== null) return denied;
    if (resource.resourceType !== ResourceType.brokerLogger) return null;
    return alterLoggers(resource, resources, { ...services, nodeId, validateOnly });
  });
  const others = resources.filter((_, index) => own[index] === null);
  const changes = others.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    replace: false,
    changes: configs.map(({ name, value, configOperation: operation }) => {
      return { name, value, operation };
    }),
  }));
  const altered =
    changes.length === 0
      ? []
      : (await controller.alterConfigs({ resources: changes, validateOnly, nodeId })).resources;
  const rest = altered.values();
  const outcomes = own.map((outcome) => outcome ?? rest.next().value!);
  return { responses: alteredResources(resources, outcomes) };
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
