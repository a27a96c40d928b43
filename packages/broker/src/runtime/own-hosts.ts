import { listenersOf } from "../config/listeners.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { MetadataImage } from "../metadata/image.ts";

/**
 * The names by which HTTP clients may ask this broker: those of its listeners, those that clients
 * of the cluster are told, and those of the configuration.
 */
export function isOwnHost(
  settings: BrokerSettings,
  { brokers }: Pick<MetadataImage, "brokers">,
  name: string,
): boolean {
  const isIt = ({ host }: { readonly host: string }) => host.toLowerCase() === name;
  if (settings.httpHosts?.includes(name)) return true;
  if (listenersOf(settings).some((one) => isIt(one) || (one.advertised && isIt(one.advertised)))) {
    return true;
  }
  return [...brokers.values()].some((one) => isIt(one) || one.endPoints?.some(isIt));
}
