import { run, tellCrash } from "./program/run.ts";

// A reader that closes the pipe (`| head`) is no error: nobody reads the rest.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

process.on("uncaughtException", (error) => process.exit(tellCrash(error, process)));

const exitCode = await run(process.argv.slice(2), process);
// Standard input may still be open and would keep the process alive, so it is ended.
process.stdout.write("", () => process.exit(exitCode));
