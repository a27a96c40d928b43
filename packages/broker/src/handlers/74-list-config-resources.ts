import {
  ErrorCode,
  ListConfigResources,
  type RequestOf,
  type ResponseInput,
} from "@tarpan/protocol";
import { ResourceType } from "../config/kafka/set-configs.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * ListConfigResources: v0-1. v0 lists only client metrics subscriptions (KIP-714); there are none
 * here · v1 any resource types, all when the request names none (KIP-1142). Lists the groups that
 * have configs.
 */
export const listConfigResources = handler({
  api: ListConfigResources,
  versions: "0-1",
  authorize: [onCluster("describeConfigs")],
  handle,
  failure,
});

type Request = RequestOf<typeof ListConfigResources>;
type Response = ResponseInput<typeof ListConfigResources>;

const KNOWN = new Set<number>(Object.values(ResourceType));

function handle(request: Request, { services, version }: RequestContext): Response {
  const { resourceTypes } = request;
  if (version === 0) return { errorCode: ErrorCode.NONE, configResources: [] };
  if (!resourceTypes.every((type) => KNOWN.has(type))) {
    return failure(request, ErrorCode.UNSUPPORTED_VERSION);
  }
  const wanted = resourceTypes.length === 0 ? KNOWN : new Set(resourceTypes);
  const { brokers, topics, configs } = services.metadata.image;
  const configResources: Response["configResources"][number][] = [];
  if (wanted.has(ResourceType.group)) {
    for (const resourceName of configs.get(ResourceType.group)?.keys() ?? []) {
      configResources.push({ resourceName, resourceType: ResourceType.group });
    }
  }
  for (const resourceType of [ResourceType.brokerLogger, ResourceType.broker]) {
    if (!wanted.has(resourceType)) continue;
    for (const id of brokers.keys()) {
      configResources.push({ resourceName: String(id), resourceType });
    }
  }
  if (wanted.has(ResourceType.topic)) {
    for (const resourceName of topics.keys()) {
      configResources.push({ resourceName, resourceType: ResourceType.topic });
    }
  }
  return { errorCode: ErrorCode.NONE, configResources };
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode, configResources: [] };
}
