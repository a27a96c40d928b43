import { expect, test } from "vitest";
import { ErrorCode, errorOf } from "../src/index.ts";

test("codes are -1 to 136 without a gap, each with a unique name and text", () => {
  const codes = Object.values(ErrorCode);
  expect(codes).toEqual(Array.from({ length: 138 }, (_, i) => i - 1));
  const errors = codes.map(errorOf);
  expect(errors.map(({ code }) => code)).toEqual(codes);
  expect(new Set(errors.map(({ name }) => name)).size).toBe(138);
  for (const { message } of errors) expect(message).toMatch(/^[A-Za-z].*\.$/);
});

test("well-known codes", () => {
  expect(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION).toBe(3);
  expect(ErrorCode.UNSUPPORTED_VERSION).toBe(35);
  expect(ErrorCode.KAFKA_STORAGE_ERROR).toBe(56);
  expect(ErrorCode.UNKNOWN_TOPIC_ID).toBe(100);
  expect(errorOf(6)).toMatchObject({ name: "NOT_LEADER_OR_FOLLOWER", retriable: true });
  expect(errorOf(1)).toMatchObject({ name: "OFFSET_OUT_OF_RANGE", retriable: false });
  expect(errorOf(0)).toMatchObject({ name: "NONE", retriable: false });
});

test("an unknown code is an unknown server error", () => {
  expect(errorOf(9999).name).toBe("UNKNOWN_SERVER_ERROR");
});

test("an offset, or any other number, is not accepted as a code", () => {
  const offset: number = 3;
  // @ts-expect-error: the compiler refuses it.
  const code: ErrorCode = offset;
  expect(errorOf(code).name).toBe("UNKNOWN_TOPIC_OR_PARTITION");
});
