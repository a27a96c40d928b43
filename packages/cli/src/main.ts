import { run } from "./program/run.ts";

// A reader that has seen enough (`| head`) is no error, and what is left to write has nobody to
// read it.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

const exitCode = await run(process.argv.slice(2), process);
// Standard input may still be open, so the process is ended rather than left to run out.
process.stdout.write("", () => process.exit(exitCode));
