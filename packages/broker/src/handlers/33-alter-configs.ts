import { AlterConfigs, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { ConfigOperation } from "../metadata/decide-alter-configs.ts";
import { refused } from "../metadata/outcome.ts";
import { onEach } from "../security/permission.ts";
import { alteredResources, splitConfigs } from "./altered-resources.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * AlterConfigs: v0-2.
 * v2 flexible.
 * Replaces all configs of a resource: those that the request leaves out return to their defaults.
 * For topics, groups and brokers; other resources are answered with INVALID_REQUEST.
 */
export const alterConfigs = handler({
  api: AlterConfigs,
  versions: "0-2",
  authorize: [
    onEach("alterConfigs", "topic"),
    onEach("alterConfigs", "group"),
    onEach("alterConfigs", "cluster"),
  ],
  handle,
  failure,
});

type Request = RequestOf<typeof AlterConfigs>;
type Response = ResponseInput<typeof AlterConfigs>;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services } = context;
  const { resources, validateOnly } = request;
  const { allowed, outcomes } = splitConfigs(context, resources);
  const changes = allowed.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    replace: true,
    changes: configs.map((config) => ({ ...config, operation: ConfigOperation.set })),
  }));
  const { controller, nodeId } = services.metadata;
  const altered =
    changes.length === 0
      ? { resources: [] }
      : await controller.alterConfigs({ resources: changes, validateOnly, nodeId });
  return { responses: alteredResources(resources, outcomes(altered.resources)) };
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
