// Run anew for each file of tests: see vitest.config.ts.
import { afterAll } from "vitest";
import { endFile } from "./file-end.ts";

afterAll(endFile);
