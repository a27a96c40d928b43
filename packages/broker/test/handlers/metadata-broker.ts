import {
  type Api,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type Fields,
  type Input,
  type Output,
} from "@tarpan/protocol";
import type { Handler, Services } from "../../src/handlers/handler.ts";
import type { OwnMetadataOptions } from "../../src/metadata/metadata.ts";
import type { Controller } from "../../src/metadata/operations.ts";
import { openMetadata, type TestMetadata, testEnv } from "../metadata/support.ts";

const CONNECTION = {
  id: 1,
  remoteAddress: "10.0.0.9",
  localAddress: "10.0.0.1",
  localPort: 19092,
  signal: new AbortController().signal,
};

export interface TestBroker extends TestMetadata {
  /** Runs the handler; request and response are encoded and decoded as on the wire. */
  call<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    handler: Handler,
    version: number,
    request: Input<Q>,
  ): Promise<Output<S>>;
}

/** The parts of a broker that the metadata handlers use, with a log in memory. */
export async function metadataBroker(
  options: Partial<OwnMetadataOptions> & {
    brokers?: number[];
    bindAddress?: string;
    /** Replaces operations of the broker's own controller. */
    controller?: Partial<Controller>;
  } = {},
): Promise<TestBroker> {
  const opened = await openMetadata(options);
  const settings = { bindAddress: options.bindAddress ?? "127.0.0.1", kafkaConfigs: {} };
  const { metadata } = opened;
  Object.assign(metadata, { controller: { ...metadata.controller, ...options.controller } });
  const services = { metadata, settings, env: testEnv() } as unknown as Services;
  return {
    ...opened,
    async call(api, handler, version, request) {
      const header = { correlationId: 7, clientId: "test" };
      const frame = unframed(encodeRequest(api, version, header, request));
      const { body } = decodeRequest(api, frame);
      const context = { services, connection: CONNECTION, version, clientId: "test" };
      const answer = await handler.handle(body, context);
      const response = encodeResponse(handler.api, version, 7, answer!);
      // The failure response must be encodable, too, at every version.
      encodeResponse(handler.api, version, 7, handler.failure(body, -1, context));
      return decodeResponse(api, version, unframed(response)).body;
    },
  };
}

const LENGTH_BYTES = 4;

function unframed(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks)).subarray(LENGTH_BYTES);
}
