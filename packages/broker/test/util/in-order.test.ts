import { expect, it } from "vitest";
import { InOrder } from "../../src/util/in-order.ts";

function latch<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

it("begins calls in their order, whichever is prepared first, and waits for none of them", async () => {
  const inOrder = new InOrder();
  const begun: string[] = [];
  const [first, second] = [latch<string>(), latch<string>()];
  const never = new Promise<never>(() => {});
  expect(inOrder.isIdle).toBe(true);
  void inOrder.run(first.promise, (value) => {
    begun.push(value);
    return never;
  });
  const answer = inOrder.run(second.promise, (value) => {
    begun.push(value);
    return `${value} done`;
  });
  expect(inOrder.isIdle).toBe(false);
  second.resolve("second");
  await settle();
  expect(begun).toEqual([]);
  first.resolve("first");
  expect(await answer).toBe("second done");
  expect(begun).toEqual(["first", "second"]);
  await settle();
  expect(inOrder.isIdle).toBe(true);
});

it("goes on after a call whose preparation or beginning fails", async () => {
  const inOrder = new InOrder();
  const first = latch<string>();
  const failing = inOrder.run(first.promise, () => "not begun");
  const throwing = inOrder.run(Promise.resolve(), () => {
    throw new Error("thrown");
  });
  const last = inOrder.run(Promise.resolve("last"), (value) => value);
  first.reject(new Error("not prepared"));
  await expect(failing).rejects.toThrow("not prepared");
  await expect(throwing).rejects.toThrow("thrown");
  expect(await last).toBe("last");
  expect(inOrder.isIdle).toBe(true);
});
