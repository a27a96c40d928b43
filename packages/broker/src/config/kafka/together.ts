// Broker configs that must fit each other, as Kafka's `KafkaConfig` and `GroupCoordinatorConfig`
// check it.

import { STANDARD_AUTHORIZER } from "./authorizer-configs.ts";
import { BROKER_CONFIGS } from "./broker-configs.ts";

/** The first must not be above the second. */
const AT_MOST: readonly (readonly [lesser: string, greater: string])[] = [
  ["group.consumer.min.heartbeat.interval.ms", "group.consumer.heartbeat.interval.ms"],
  ["group.consumer.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"],
  ["group.consumer.min.session.timeout.ms", "group.consumer.session.timeout.ms"],
  ["group.consumer.session.timeout.ms", "group.consumer.max.session.timeout.ms"],
  ["group.min.session.timeout.ms", "group.max.session.timeout.ms"],
  ["log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"],
];

/**
 * Why broker configs can't be in force together, with the name of one that was given; null when
 * they can.
 */
export function contradiction(
  given: ReadonlyMap<string, string>,
): { readonly name: string; readonly problem: string } | null {
  const inForce = (name: string) => given.get(name) ?? BROKER_CONFIGS.get(name)?.fallback ?? "";
  for (const [lesser, greater] of AT_MOST) {
    const name = [lesser, greater].find((one) => given.has(one));
    if (name === undefined || Number(inForce(lesser)) <= Number(inForce(greater))) continue;
    const values = `${lesser} (${inForce(lesser)}) is above ${greater} (${inForce(greater)})`;
    return { name, problem: values };
  }
  return withoutAuthorizer(given) ?? noneMayConnect(given);
}

/** Kafka ignores these without an authorizer; who sets them wants ACLs. */
function withoutAuthorizer(given: ReadonlyMap<string, string>) {
  if ((given.get("authorizer.class.name")?.trim() ?? "") !== "") return null;
  const isSet = (value: string | undefined) => !["", "false"].includes(value?.trim() ?? "");
  const names = ["super.users", "allow.everyone.if.no.acl.found"];
  const name = names.find((one) => isSet(given.get(one)));
  if (name === undefined) return null;
  const value = `authorizer.class.name=${STANDARD_AUTHORIZER}`;
  return { name, problem: `${name} has no effect without ACLs: set ${value}, or leave it out` };
}

function noneMayConnect(given: ReadonlyMap<string, string>) {
  const name = "max.connections.per.ip";
  const overrides = given.get(`${name}.overrides`)?.trim() ?? "";
  if (Number(given.get(name) ?? 1) !== 0 || overrides !== "") return null;
  return { name, problem: `${name} is 0 and ${name}.overrides is empty: nobody could connect` };
}
