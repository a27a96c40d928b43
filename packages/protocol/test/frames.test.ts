import { expect, test } from "vitest";
import {
  ApiVersions,
  apiOf,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  Fetch,
  Heartbeat,
  Metadata,
  OffsetDelete,
  Produce,
  ProtocolError,
  Reader,
  readRequestHeader,
  requestHeaderVersion,
  responseHeaderVersion,
  SaslHandshake,
} from "../src/index.ts";

const hex = (chunks: Uint8Array[]): string => Buffer.concat(chunks).toString("hex");
const frame = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

test("flexible versions have flexible headers, with known exceptions", () => {
  expect(requestHeaderVersion(Heartbeat, 3)).toBe(1);
  expect(requestHeaderVersion(Heartbeat, 4)).toBe(2);
  expect(responseHeaderVersion(Heartbeat, 3)).toBe(0);
  expect(responseHeaderVersion(Heartbeat, 4)).toBe(1);
  expect(requestHeaderVersion(ApiVersions, 3)).toBe(2);
  expect(responseHeaderVersion(ApiVersions, 3)).toBe(0);
  for (const api of [SaslHandshake, OffsetDelete]) {
    expect(requestHeaderVersion(api, 1)).toBe(1);
    expect(responseHeaderVersion(api, 1)).toBe(0);
  }
  expect(requestHeaderVersion({ key: 7, flexible: "3+" }, 0)).toBe(0);
});

test("the client id keeps its int16 length in flexible versions", () => {
  const written = encodeRequest(
    Heartbeat,
    4,
    { correlationId: 5, clientId: "me" },
    {
      groupId: "g",
      generationId: 1,
      memberId: "m",
    },
  );
  expect(hex(written)).toBe(
    // length, key 12, version 4, correlation id, "me", no tags | "g", 1, "m", null, no tags
    ["00000017", "000c", "0004", "00000005", "0002", "6d65", "00"].join("") +
      ["0267", "00000001", "026d", "00", "00"].join(""),
  );
});

test("the header of an unknown version of ApiVersions is read, with unknown tags", () => {
  const header = frame("0012 7fff 00000009 0003 616263 01 05 02 aaaa");
  expect(readRequestHeader(new Reader(header), apiOf)).toEqual({
    apiKey: 18,
    apiVersion: 0x7fff,
    correlationId: 9,
    clientId: "abc",
  });
});

test.each([
  ["ffff", null],
  ["0003 616263", "abc"],
  ["7fff 61", null],
  ["", null],
])("the client id of an unknown API is read if it is valid: %j", (bytes, clientId) => {
  const reader = new Reader(frame(`7000 0001 00000009 ${bytes}`));
  const common = { apiKey: 0x7000, apiVersion: 1, correlationId: 9 };
  expect(readRequestHeader(reader, apiOf)).toEqual({ ...common, clientId });
});

test("a client id of any negative length is null", () => {
  const reader = new Reader(frame("0012 0000 00000001 fffe"));
  expect(readRequestHeader(reader, apiOf).clientId).toBeNull();
});

test("bytes after the last field of a request or a response are ignored", () => {
  // Metadata v13 for all topics as librdkafka 2 encodes it: with three extra bytes at the end.
  const sent = frame("0003 000d 00000003 0007 72646b61666b61 00 00 000000 010000");
  expect(decodeRequest(Metadata, sent)).toEqual({
    header: { apiKey: 3, apiVersion: 13, correlationId: 3, clientId: "rdkafka" },
    body: {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    },
  });
  const answer = frame("00000004 00 00000000 0019 00 0102");
  expect(decodeResponse(Heartbeat, 4, answer).body.errorCode).toBe(25);
});

test.each(["", "0012", "0012 0000 000000", "0012 0000 00000001 0005 61"])(
  "the header %j is malformed",
  (text) => {
    expect(() => readRequestHeader(new Reader(frame(text)), apiOf)).toThrow(ProtocolError);
  },
);

test("requests and responses are decoded as encoded, with a null client id too", () => {
  const body = { groupId: "g", generationId: 3, memberId: "m", groupInstanceId: null };
  const request = Buffer.concat(
    encodeRequest(Heartbeat, 3, { correlationId: -1, clientId: null }, body),
  );
  expect(request.readInt32BE(0)).toBe(request.byteLength - 4);
  expect(decodeRequest(Heartbeat, request.subarray(4))).toEqual({
    header: { apiKey: 12, apiVersion: 3, correlationId: -1, clientId: null },
    body,
  });
  const response = Buffer.concat(encodeResponse(Heartbeat, 4, 77, { errorCode: 25 }));
  expect(decodeResponse(Heartbeat, 4, response.subarray(4))).toEqual({
    correlationId: 77,
    body: { throttleTimeMs: 0, errorCode: 25 },
  });
});

test("a request of another API is refused", () => {
  const request = Buffer.concat(
    encodeRequest(
      Heartbeat,
      0,
      { correlationId: 1, clientId: null },
      {
        groupId: "g",
        generationId: 3,
        memberId: "m",
      },
    ),
  ).subarray(4);
  expect(() => decodeRequest(Fetch, request)).toThrow(ProtocolError);
  expect(() => decodeRequest(Heartbeat, request.subarray(0, -1))).toThrow(ProtocolError);
  request[3] = 9;
  expect(() => decodeRequest(Heartbeat, request)).toThrow(/no version 9/);
});

test("the length includes record batches that are separate chunks", () => {
  const batch = new Uint8Array(5000).fill(7);
  const chunks = encodeRequest(
    Produce,
    3,
    { correlationId: 1, clientId: "c" },
    {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: "t", partitionData: [{ index: 0, records: [batch, batch] }] }],
    },
  );
  expect(chunks).toContain(batch);
  const joined = Buffer.concat(chunks);
  expect(joined.readInt32BE(0)).toBe(joined.byteLength - 4);
  const { body } = decodeRequest(Produce, joined.subarray(4));
  expect(body.topicData[0]!.partitionData[0]!.records).toHaveLength(10_000);
});
