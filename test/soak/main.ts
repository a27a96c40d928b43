// What `npm run soak` runs. The last line is the verdict.
import { parseArgs } from "node:util";
import { endFile } from "../harness/file-end.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { Soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    engine: { type: "string", default: "segment" },
    "bytes-per-second": { type: "string", default: "1000000" },
  },
});
const { engine } = values;
const minutes = Number(values.minutes);
const bytesPerSecond = Number(values["bytes-per-second"]);
if (engine !== "segment" && engine !== "memory")
  throw new Error(`--engine is segment or memory, not ${engine}`);
if (!(minutes > 0) || !(bytesPerSecond > 0))
  throw new Error("--minutes and --bytes-per-second are numbers above 0");

const seed = printedSeed("soak");
const random = new SeededRandom(seed);
try {
  const wrong = await Soak.run({ minutes, engine, bytesPerSecond, seed, random });
  const verdict = wrong === 0 ? "nothing was wrong" : `${wrong} times something was wrong`;
  console.log(`Soak of ${minutes} minutes on ${engine}, TARPAN_SEED=${seed}: ${verdict}`);
  process.exitCode = wrong === 0 ? 0 : 1;
} catch (error) {
  console.error(error);
  console.log(`Soak of ${minutes} minutes on ${engine}, TARPAN_SEED=${seed}: failed`);
  process.exitCode = 1;
} finally {
  await endFile();
}
