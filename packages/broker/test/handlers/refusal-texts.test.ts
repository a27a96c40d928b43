import { codecOf, ErrorCode, Reader, rangeOf, Writer } from "@tarpan/protocol";
import { expect, it } from "vitest";
import type { RequestContext } from "../../src/handlers/handler.ts";
import { handlers } from "../../src/handlers/index.ts";
import { requestOf } from "./request-of.ts";
import { WholeBroker } from "./whole-broker.ts";

/** The paths of errors whose errorMessage is null. */
function silent(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  const { errorCode, errorMessage } = value as Record<string, unknown>;
  const isSilent = errorCode !== undefined && errorCode !== 0 && errorMessage === null;
  return Object.entries(value).reduce<string[]>(
    (found, [name, part]) => found.concat(silent(part, `${path}.${name}`)),
    isSilent ? [path] : [],
  );
}

it("every failure response with an errorMessage field has a text there", async () => {
  const { broker: services } = await WholeBroker.start();
  const connection = { listener: "PLAINTEXT", localAddress: "127.0.0.1", localPort: 9092 };
  const found: string[] = [];
  for (const { api, versions, failure } of handlers) {
    const version = rangeOf(versions).max;
    const context = { services, version, connection, clientId: null } as unknown as RequestContext;
    const refused = failure(
      requestOf(api.request, "name"),
      ErrorCode.UNKNOWN_SERVER_ERROR,
      context,
    );
    const writer = new Writer();
    codecOf(api, version).writeResponse(writer, refused);
    const answer = codecOf(api, version).readResponse(new Reader(writer.join()));
    found.push(...silent(answer, api.name));
  }
  expect(found).toEqual([]);
});

it("every failure response can be encoded, at every version", async () => {
  const { broker: services } = await WholeBroker.start();
  const connection = { listener: "PLAINTEXT", localAddress: "127.0.0.1", localPort: 9092 };
  for (const { api, versions, failure } of handlers) {
    const { min, max } = rangeOf(versions);
    for (let version = min; version <= max; version++) {
      const codec = codecOf(api, version);
      const asked = new Writer();
      codec.writeRequest(asked, requestOf(api.request, "name") as Record<string, unknown>);
      const request = codec.readRequest(new Reader(asked.join()));
      const context = { services, version, connection, clientId: null };
      const refused = failure(
        request,
        ErrorCode.UNKNOWN_SERVER_ERROR,
        context as unknown as RequestContext,
      );
      const write = () => codec.writeResponse(new Writer(), refused);
      expect(write, `${api.name} v${version}`).not.toThrow();
    }
  }
});
