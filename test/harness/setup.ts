// Runs before each test file: see vitest.config.ts.
import { afterAll } from "vitest";
import { endFile } from "./file-end.ts";

afterAll(endFile);
