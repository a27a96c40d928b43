import { Delayed } from "../../src/admin/delayed.ts";
import type { WholeBroker } from "../handlers/whole-broker.ts";
import { HeldBroker, startWith } from "../held/held-broker.ts";

export type { Headers } from "../held/held-broker.ts";

/** A whole broker on a manual clock, with `__delayed`, which a client asked for. */
export class DelayedBroker extends HeldBroker {
  readonly admin: Delayed;

  private constructor(whole: WholeBroker) {
    super(whole, "__delayed");
    const { metadata, delayed } = whole.broker;
    this.admin = new Delayed({ metadata, delayed, rpc: null });
  }

  static async start(configs: Record<string, string> = {}): Promise<DelayedBroker> {
    return new DelayedBroker(await startWith("__delayed", { configs }));
  }
}
