import { expect, it } from "vitest";
import { allOrNothing, CloseStack } from "../../src/util/close-stack.ts";

it("closes in reverse order, each once, even if one fails", async () => {
  const closed: string[] = [];
  const stack = new CloseStack();
  stack.add(() => closed.push("first"));
  stack.add(async () => {
    closed.push("second");
    throw new Error("not this one");
  });
  stack.add(() => closed.push("third"));
  await expect(stack.close()).rejects.toThrow("not this one");
  expect(closed).toEqual(["third", "second", "first"]);
  await stack.close();
  expect(closed).toHaveLength(3);
});

it("closes what was opened only if opening fails", async () => {
  const closed: string[] = [];
  const open = (problem: Error | null) =>
    allOrNothing(async (opened) => {
      opened.add(() => closed.push("it"));
      opened.add(() => Promise.reject(new Error("a consequence")));
      if (problem !== null) throw problem;
      return "open";
    });
  expect(await open(null)).toBe("open");
  expect(closed).toEqual([]);
  await expect(open(new Error("the cause"))).rejects.toThrow("the cause");
  expect(closed).toEqual(["it"]);
});
