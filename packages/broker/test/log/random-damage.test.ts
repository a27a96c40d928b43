// Flips random bits below the checkpoint: reads return only batches as they were written, and only
// damaged batches are missing.
import { expect, it } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { LogError } from "../../src/log/log-error.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";
import { baseOffsetOf, batchOf, nextOffsetOf, OPTIONS, readAll } from "./batches.ts";
import { ALWAYS, restart, start } from "./segment-fixture.ts";

const SMALL = { ...OPTIONS, segmentBytes: 3000, indexIntervalBytes: 300 };
const ROUNDS = 150;

/** Reads all of the log; after damage it continues at the error's `resumeOffset`. */
async function readAround(log: Log, maxBytes: number): Promise<Map<number, Uint8Array>> {
  const found = new Map<number, Uint8Array>();
  let offset = 0;
  while (offset < log.endOffset) {
    try {
      for (const batch of await log.read(offset, maxBytes)) {
        found.set(baseOffsetOf(batch), batch);
        offset = nextOffsetOf(batch);
      }
    } catch (error) {
      if (!(error instanceof LogError) || error.kind !== "corrupt") throw error;
      expect(error.resumeOffset).toBeGreaterThan(offset);
      offset = error.resumeOffset!;
    }
  }
  return found;
}

async function damageOnce(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const { env, log, engine } = await start(ALWAYS, SMALL);
  for (let i = 0; i < 40; i++) {
    const options = { count: 1 + random.below(4), valueBytes: random.below(300) };
    await log.append(batchOf(i, options), 0);
  }
  const written = (await readAll(log)).map((batch) => batch.slice());
  await engine.close();
  const files = env.fs.paths().filter((path) => /\.(log|index|timeindex)$/.test(path));
  for (let flips = 1 + random.below(4); flips > 0; flips--) {
    const bytes = env.fs.contentOf(random.pick(files));
    if (bytes.length > 0) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  }
  const again = await restart(testEnv({ fs: env.fs }), SMALL);
  expect(again.log.endOffset).toBe(nextOffsetOf(written.at(-1)!));
  const found = await readAround(again.log, random.pick([1, 700, 1 << 20]));
  const intact = intactBatches(
    env.fs.paths().filter((path) => path.endsWith(".log")),
    (path) => env.fs.contentOf(path),
  );
  const isDamaged = written.map((batch) => !intact(batch));
  for (const [i, batch] of written.entries()) {
    const read = found.get(baseOffsetOf(batch));
    // An intact batch is readable if the batch before or after it confirms its base offset.
    const mayBeMissing = isDamaged[i] || (isDamaged[i - 1] && isDamaged[i + 1]);
    if (read) expect(isSameButEpoch(read, batch), "served damaged bytes").toBe(true);
    else expect(mayBeMissing, `intact batch at ${baseOffsetOf(batch)} is not read`).toBe(true);
    found.delete(baseOffsetOf(batch));
  }
  expect(found.size, "batches that were never written").toBe(0);
}

function intactBatches(paths: readonly string[], contentOf: (path: string) => Uint8Array) {
  const contents = paths.map((path) => Buffer.from(contentOf(path)));
  return (batch: Uint8Array) => contents.some((content) => content.includes(Buffer.from(batch)));
}

/** The CRC does not cover the leader epoch, so damage to it cannot be detected. */
function isSameButEpoch(a: Uint8Array, b: Uint8Array): boolean {
  const without = (batch: Uint8Array) => Buffer.from(batch).fill(0, 12, 16);
  return without(a).equals(without(b));
}

it("serves all batches except damaged ones", { timeout: 60_000 }, async () => {
  const seed = seedOf("random damage");
  for (let round = 0; round < ROUNDS; round++)
    await damageOnce(seed + round).catch((error: Error) => {
      throw new Error(`TARPAN_SEED=${seed + round}: ${error.message}`, { cause: error });
    });
});
