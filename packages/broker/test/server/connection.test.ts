import { describe, expect, test } from "vitest";
import { eventually, frame, Kind, serve } from "./harness.ts";

describe("order", () => {
  test("answers a request that arrives byte by byte", async () => {
    await using served = await serve();
    const client = served.client();
    for (const byte of frame(Kind.echo, "slowly")) {
      client.send(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.responsesReach(1)).toEqual(["slowly"]);
  });

  test("two requests cut at every boundary", async () => {
    await using served = await serve();
    const bytes = Buffer.concat([frame(Kind.echo, "one"), frame(Kind.alone, "two")]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const client = served.client();
      client.send(bytes.subarray(0, cut));
      const received = served.listener.stats.bytesIn;
      await eventually(() => served.listener.stats.bytesIn > received || cut < 4);
      client.send(bytes.subarray(cut));
      await served.router.until(() => served.router.held.length === 1);
      served.router.answer("two");
      expect(await client.responsesReach(2)).toEqual(["one", "two"]);
    }
  });

  test("pipelined requests are in progress together and answered in order", async () => {
    await using served = await serve();
    const client = served.client();
    client.send(frame(Kind.held, "a"), frame(Kind.held, "b"), frame(Kind.echo, "c"));
    await served.router.until(() => served.router.held.length === 2);
    served.router.answer("b");
    await eventually(() => served.router.runs === 3);
    expect(client.responses).toEqual([]);
    served.router.answer("a");
    expect(await client.responsesReach(3)).toEqual(["a", "b", "c"]);
  });

  test("a request without a lane waits for all before it, and all after wait for it", async () => {
    await using served = await serve();
    const { router } = served;
    const client = served.client();
    client.send(frame(Kind.held, "a"), frame(Kind.held, "b"), frame(Kind.alone, "c"));
    client.send(frame(Kind.held, "d"), frame(Kind.alone, "e"));
    await router.until(() => router.held.length === 2);
    expect(router.begun).toEqual(["a", "b"]);
    router.answer("b");
    router.answer("a");
    await router.until(() => router.begun.includes("c"));
    expect(router.begun).toEqual(["a", "b", "c"]);
    router.answer("c");
    await router.until(() => router.begun.includes("d"));
    expect(router.begun).toEqual(["a", "b", "c", "d"]);
    router.answer("d");
    await router.until(() => router.begun.includes("e"));
    router.answer("e");
    expect(await client.responsesReach(5)).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("a request waits for earlier requests of another lane", async () => {
    await using served = await serve();
    const { router } = served;
    const client = served.client();
    client.send(frame(Kind.held, "a"), frame(Kind.heldToo, "b"), frame(Kind.heldToo, "c"));
    await router.until(() => router.held.length === 1);
    expect(router.begun).toEqual(["a"]);
    router.answer("a");
    await router.until(() => router.held.length === 2);
    expect(router.begun).toEqual(["a", "b", "c"]);
    router.answer("c");
    router.answer("b");
    expect(await client.responsesReach(3)).toEqual(["a", "b", "c"]);
  });

  test("a request without a response does not delay the next", async () => {
    await using served = await serve();
    const client = served.client();
    client.send(frame(Kind.echo, "1"), frame(Kind.silent), frame(Kind.echo, "2"));
    expect(await client.responsesReach(2)).toEqual(["1", "2"]);
  });

  test("ten thousand requests at once come back complete and in order", async () => {
    await using served = await serve();
    const client = served.client();
    const numbers = Array.from({ length: 10_000 }, (_, i) => `${i}`);
    client.send(...numbers.map((number) => frame(Kind.echo, number)));
    expect(await client.responsesReach(10_000)).toEqual(numbers);
  });

  test("a frame of 20 MB arrives completely", async () => {
    await using served = await serve();
    const client = served.client();
    client.send(frame(Kind.echo, Buffer.alloc(20_000_000, 1)));
    expect(await client.responsesReach(1)).toEqual(["20000000"]);
  });
});
