import { basename, join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { type BrokerProcess, type BrokerProcessOptions, useBroker } from "./broker-process.ts";
import { CaptureProxy } from "./capture-proxy.ts";

/** What a client needs to know of a broker. */
export interface Address {
  readonly port: number;
  readonly bootstrap: string;
}

/**
 * A broker for a file of interop tests, and where its clients reach it: directly, or through a
 * proxy that keeps their requests when scripts/capture-golden.mjs asks for it.
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
