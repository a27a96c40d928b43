import { canonicalHost } from "../security/host.ts";
import { type ClientQuotas, IP } from "./quota-entity.ts";

const KEY = "connection_creation_rate";

/** How many connections each address may create in a second. */
export class IpConnectionRates {
  readonly #byAddress = new Map<string, number>();
  #default = Number.POSITIVE_INFINITY;

  update(quotas: ReadonlyMap<string, ClientQuotas>): void {
    this.#byAddress.clear();
    this.#default = Number.POSITIVE_INFINITY;
    for (const { entity, values } of quotas.values()) {
      const rate = values.get(KEY);
      const [part] = entity;
      if (rate === undefined || part?.entityType !== IP) continue;
      if (part.entityName === null) this.#default = rate;
      else this.#byAddress.set(canonicalHost(part.entityName), rate);
    }
  }

  /** `address` is written as sockets tell it. Infinity without a limit. */
  of(address: string): number {
    return this.#byAddress.get(address) ?? this.#default;
  }
}
