import { ResourceType } from "./set-configs.ts";

/** Why a resource of this type has no configs here. The text is sent to clients. */
export function whyNoConfigs(type: number): string {
  switch (type) {
    case ResourceType.brokerLogger:
      return "a broker here has one log level, given at its start (logging.level)";
    case ResourceType.clientMetrics:
      return "this broker gathers no metrics of clients (KIP-714)";
    case ResourceType.group:
      return "a group's configs need its name";
    default:
      return `there are no configs of resource type ${type}`;
  }
}
