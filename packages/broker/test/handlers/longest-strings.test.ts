import { type AnyApi, ErrorCode, MAX_STRING_BYTES, rangeOf } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { handlers } from "../../src/handlers/index.ts";
import { requestOf } from "./request-of.ts";
import { WholeBroker } from "./whole-broker.ts";

const LONGEST = "x".repeat(MAX_STRING_BYTES);
const TYPES = ["resourceType", "configOperation"];

// A reason that quotes what it refuses must fit into a string of the protocol, too.
it("a request whose strings are as long as they may be is no bug", async () => {
  const broker = await WholeBroker.start();
  const found: string[] = [];
  for (const { api, versions } of handlers) {
    const { min, max } = rangeOf(versions);
    for (let version = min; version <= max; version++) {
      for (const type of [0, 2, 4, 32]) {
        const request = requestOf(api.request, LONGEST, (name) =>
          TYPES.includes(name) ? type : 0,
        );
        const answer = broker.call(api as AnyApi, version, request as never);
        if (JSON.stringify(await answer.catch(() => "no answer")).includes(BUG)) {
          found.push(`${api.name} ${version}, type ${type}`);
        }
      }
    }
  }
  expect(found).toEqual([]);
});

const BUG = `"errorCode":${ErrorCode.UNKNOWN_SERVER_ERROR}`;
