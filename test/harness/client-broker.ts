import { basename, join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { type BrokerProcess, type BrokerProcessOptions, useBroker } from "./broker-process.ts";
import { CaptureProxy } from "./capture-proxy.ts";

/** The address of a broker. */
export interface Address {
  readonly port: number;
  readonly bootstrap: string;
}

/**
 * A broker for a file of interop tests, and the address for its clients: the broker's, or that of a
 * proxy that saves their requests for scripts/capture-golden.mjs.
 */
export function useClientBroker(options: BrokerProcessOptions = {}): {
  broker: BrokerProcess;
  address: Address;
} {
  const broker = useBroker(options);
  const directory = process.env.TARPAN_CAPTURE;
  if (directory === undefined) return { broker, address: broker };
  const client = basename(expect.getState().testPath!, ".test.ts").replace(/^groups-/, "");
  const proxy = new CaptureProxy(() => broker.port, join(directory, `${client}.txt`));
  beforeAll(() => proxy.listen());
  afterAll(() => proxy.save());
  const address = {
    get port() {
      return proxy.port;
    },
    get bootstrap() {
      return `127.0.0.1:${proxy.port}`;
    },
  };
  return { broker, address };
}
