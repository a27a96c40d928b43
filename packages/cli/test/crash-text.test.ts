import { Writable } from "node:stream";
import { expect, it } from "vitest";
import { tellCrash } from "../src/program/run.ts";

function told(error: unknown): { readonly exitCode: number; readonly text: string } {
  let text = "";
  const stderr = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  return { exitCode: tellCrash(error, { stderr }), text };
}

it("a broker that must not go on says why in one line, and is not to be started again", () => {
  const error = Object.assign(new Error("start a newer release"), {
    code: "TARPAN_METADATA_TOO_NEW",
  });
  expect(told(error)).toEqual({ exitCode: 78, text: "tarpan: start a newer release\n" });
});

it("a bug is told with its stack and its cause, whatever was thrown", () => {
  const cause = new Error("the cause");
  const bug = Object.assign(new Error("a bug", { cause }), { code: "ERR_ASSERTION" });
  const { exitCode, text } = told(bug);
  expect(exitCode).toBe(1);
  expect(text).toMatch(
    /^Error: a bug\n +at .*crash-text[\s\S]*Error: the cause\n +at .*crash-text/,
  );
  expect(told(undefined)).toEqual({ exitCode: 1, text: "undefined\n" });
});
