import type { Logger } from "../../src/logging/logger.ts";
import type { Bus } from "../../src/rpc/bus.ts";
import { Rpc } from "../../src/rpc/rpc.ts";
import type { ManualTime } from "../env/manual-time.ts";

const say = () => {};
const SILENT: Logger = { debug: say, info: say, warn: say, error: say };

/** A broker's Rpc over this bus, started. */
export function rpcOn(bus: Bus, nodeId: number, time: ManualTime, logger: Logger = SILENT): Rpc {
  const rpc = new Rpc({ env: { clock: time, timers: time }, bus, nodeId, logger });
  rpc.start();
  return rpc;
}
