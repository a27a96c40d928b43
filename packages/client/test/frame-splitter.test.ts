import { expect, test } from "vitest";
import { FrameSplitter } from "../src/connection/frame-splitter.ts";

function frame(...body: number[]): Uint8Array {
  return Uint8Array.of(0, 0, 0, body.length, ...body);
}

const stream = Buffer.concat([frame(1, 2, 3, 4), frame(5, 6, 7, 8, 9), frame(1, 1, 1, 1)]);

test.each([1, 2, 3, 5, 7, 9, 100])("joins frames from chunks of %i bytes", (size) => {
  const splitter = new FrameSplitter();
  const frames: number[][] = [];
  for (let at = 0; at < stream.length; at += size)
    for (const each of splitter.push(stream.subarray(at, at + size))) frames.push([...each]);
  expect(frames).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8, 9],
    [1, 1, 1, 1],
  ]);
});

test.each([
  ["HTTP", Buffer.from("HTTP/1.1 400 Bad Request")],
  ["a negative length", Uint8Array.of(255, 255, 255, 255)],
  ["no room for a correlation id", frame(1, 2, 3)],
])("%s is not Kafka", (_name, chunk) => {
  expect(() => [...new FrameSplitter().push(chunk)]).toThrow(/does not speak the Kafka protocol/);
});
