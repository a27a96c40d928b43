// Stands in for `tarpan broker` under `tarpan cluster up`: prints a broker's ready line, and ends
// when a broker would. With --fail-node N, broker N ends before it is ready.

import { createServer } from "node:net";
import { parseArgs } from "node:util";

const { values: flags } = parseArgs({
  args: process.argv.slice(3),
  strict: false,
  options: {
    "node-id": { type: "string" },
    "bind-addr": { type: "string" },
    "bind-port": { type: "string" },
    "fail-node": { type: "string" },
  },
});
const log = (message, fields) =>
  console.error(
    JSON.stringify({ time: new Date(0).toISOString(), level: "info", message, ...fields }),
  );

log("started with", { flags: process.argv.slice(2).join(" "), pid: process.pid });
if (flags["fail-node"] === flags["node-id"]) {
  console.error("tarpan: it fails");
  process.exit(1);
}
const end = (why) => {
  log(`ends by ${why}`);
  process.exit(0);
};
process.on("SIGTERM", () => end("SIGTERM"));
process.stdin.resume().on("end", () => end("its standard input"));
createServer().listen(Number(flags["bind-port"]), flags["bind-addr"], () => {
  const address = `${flags["bind-addr"]}:${flags["bind-port"]}`;
  console.log(`tarpan broker ${flags["node-id"]} is ready on ${address} (a stand-in)\ntry: it`);
});
