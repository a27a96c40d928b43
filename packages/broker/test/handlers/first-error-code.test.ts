import { DescribeAcls, FindCoordinator, Metadata, OffsetFetch, Produce } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { errorCodeFinder } from "../../src/handlers/first-error-code.ts";

it("finds the first error code of a response, however deep it is", () => {
  const inProduce = errorCodeFinder(Produce);
  const topic = (...codes: number[]) => ({
    name: "t",
    partitionResponses: codes.map((errorCode) => ({ errorCode })),
  });
  expect(inProduce({ responses: [] })).toBe(0);
  expect(inProduce({ responses: [topic(), topic(0, 0)] })).toBe(0);
  expect(inProduce({ responses: [topic(), topic(0, 3), topic(6)] })).toBe(3);
  const inMetadata = errorCodeFinder(Metadata);
  expect(inMetadata({ topics: [{ errorCode: 0, partitions: [{ errorCode: 5 }] }] })).toBe(5);
  expect(inMetadata({ errorCode: 7, topics: [{ errorCode: 3, partitions: [] }] })).toBe(7);
  const inOffsets = errorCodeFinder(OffsetFetch);
  const group = { topics: [{ partitions: [{ errorCode: 0 }, { errorCode: 12 }] }] };
  expect(inOffsets({ groups: [group] })).toBe(12);
  expect(inOffsets({ topics: null, groups: [group] })).toBe(12);
  expect(errorCodeFinder(FindCoordinator)({ coordinators: [{ errorCode: 15 }] })).toBe(15);
});

it("does not look at things that have no error code", () => {
  const unread = new Proxy([], {
    get() {
      throw new Error("it was looked at");
    },
  });
  expect(errorCodeFinder(DescribeAcls)({ errorCode: 0, resources: unread })).toBe(0);
});
