import type { WholeBrokerOptions } from "../handlers/whole-broker.ts";
import { type Headers, HeldBroker, type Read, startWith } from "../held/held-broker.ts";

export const GROUP = "orders";
const TO = { "tarpan-producer-group": GROUP, "tarpan-topic": "target" };

/** A whole broker on a manual clock, with `__half_messages`, which a client asked for. */
export class HalfBroker extends HeldBroker {
  static async start(configs: Record<string, string> = {}): Promise<HalfBroker> {
    return HalfBroker.startWith({ configs });
  }

  static async startWith(options: WholeBrokerOptions): Promise<HalfBroker> {
    return new HalfBroker(await startWith("__half_messages", options), "__half_messages");
  }

  half(id: string, value: string, headers: Headers = {}) {
    return this.send(id, value, { ...TO, ...headers });
  }

  resolve(id: string, resolution: "commit" | "rollback", group = GROUP) {
    const headers = { "tarpan-producer-group": group, "tarpan-resolution": resolution };
    return this.send(id, null, headers);
  }

  /** In the order of their numbers. */
  async checks(): Promise<Read[]> {
    const checks = await this.readAll(`${GROUP}.checks`);
    return checks.sort((a, b) => a.timestamp - b.timestamp);
  }
}
