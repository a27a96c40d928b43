import { type AnyApi, ErrorCode, encodeRequest, MAX_STRING_BYTES, rangeOf } from "@tarpan/protocol";
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
        const request = requestOf(api.request, LONGEST, (name) => {
          // With acks=0 a produce would not be answered.
          if (name === "acks") return 1;
          return TYPES.includes(name) ? type : 0;
        });
        const answer = broker.call(api as AnyApi, version, request as never);
        if (JSON.stringify(await answer.catch(() => "no answer")).includes(BUG)) {
          found.push(`${api.name} ${version}, type ${type}`);
        }
      }
    }
  }
  expect(found).toEqual([]);
});

// It would have three times their bytes when it is written into an answer or a record.
it("a request whose longest strings are not UTF-8 is refused", async () => {
  const broker = await WholeBroker.start();
  for (const { api, versions } of handlers) {
    const request = requestOf(api.request, LONGEST);
    const header = { correlationId: 7, clientId: "test" };
    const { max: version } = rangeOf(versions);
    const frame = Buffer.concat(encodeRequest(api as AnyApi, version, header, request as never));
    const at = frame.indexOf(LONGEST);
    if (at === -1) continue;
    frame.fill(0xff, at, at + MAX_STRING_BYTES);
    const answer = Promise.resolve(frame.subarray(LENGTH_BYTES)).then((f) => broker.sendFrame(f));
    await expect(answer, api.name).rejects.toMatchObject({ reason: "unparsable" });
  }
});

const LENGTH_BYTES = 4;
const BUG = `"errorCode":${ErrorCode.UNKNOWN_SERVER_ERROR}`;
