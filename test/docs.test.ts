import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { protocolDocs } from "../scripts/protocol-docs.ts";

test("docs/protocol.md says what is served", () => {
  const written = readFileSync(new URL("../docs/protocol.md", import.meta.url), "utf8");
  expect(written, "run scripts/protocol-docs.ts").toBe(protocolDocs());
});
