import { ApiVersions, decodeResponse, Metadata } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { batchOf, createTopic, produce } from "../harness/records.ts";
import { within } from "../harness/within.ts";
import { FrameSource, type MutatedFrame } from "./frames.ts";

const FRAMES = Number(process.env.TARPAN_FUZZ_FRAMES ?? 60_000);
const CONNECTIONS = 16;
const FRAMES_PER_CONNECTION = 100;
/** After this, no response comes: the frame is incomplete, or its fetch or join waits. */
const SILENCE_MS = 100;
/** Much longer than a loaded machine needs for a response. */
const HANG_MS = 20_000;
const MEBIBYTE = 1024 * 1024;
const GROWTH_LIMIT_BYTES = 150 * MEBIBYTE;

// Otherwise the first join of a new group would take longer than this test waits.
const configs = ["auto.create.topics.enable=false", "group.initial.rebalance.delay.ms=0"];
const broker = useBroker({ flags: configs.flatMap((config) => ["--kafka", config]) });
const NAMES = ["fuzz-a", "fuzz-b", "fuzz-compact"];

it(
  `${FRAMES} mutated frames: no crash, no hang, flat memory, others still served`,
  async () => {
    const random = new SeededRandom(printedSeed("fuzz of the broker"));
    const watcher = await RawConnection.open(broker.port);
    const source = await sourceOfFrames(watcher, random);
    const state = { left: FRAMES, answered: 0, unexpectedCloses: 0 };
    let settledBytes = 0;
    let watched = 0;
    const watch = async () => {
      while (state.left > 0) {
        const topics = [{ name: NAMES[0]! }];
        const answer = watcher.request(Metadata, 9, { topics });
        expect((await within(HANG_MS, "the second connection", answer)).topics).toHaveLength(1);
        watched++;
        if (settledBytes === 0 && state.left < FRAMES * 0.75) {
          settledBytes = await broker.residentBytes();
        }
      }
    };
    const attackers = Array.from({ length: CONNECTIONS }, () => attack(source, state));
    await Promise.all([watch(), ...attackers]);

    const residentBytes = await broker.residentBytes();
    const mebibytes = (bytes: number) => Math.round(bytes / MEBIBYTE);
    console.log(
      `${source.choices} APIs × versions, ${state.answered} of the frames still had to be answered, ` +
        `${watched} answers beside them, ` +
        `${mebibytes(settledBytes)} MiB after a quarter, ${mebibytes(residentBytes)} MiB at the end`,
    );
    expect(state.unexpectedCloses).toBe(0);
    // If too few frames could be decoded, only the parser would be tested.
    expect(state.answered).toBeGreaterThan(FRAMES / 10);
    expect(residentBytes).toBeLessThan(settledBytes + GROWTH_LIMIT_BYTES);
    expect(broker.running).toBe(true);
    watcher.close();
  },
  120_000 + FRAMES * 2,
);

async function sourceOfFrames(connection: RawConnection, random: SeededRandom) {
  const records = batchOf([{ key: "", value: "", timestamp: 1_700_000_000_000, headers: [] }]);
  for (const name of NAMES) {
    const configs = name === "fuzz-compact" ? { "cleanup.policy": "compact" } : {};
    await createTopic(connection, name, { partitions: 3, configs });
    await produce(connection, name, records);
  }
  const names = NAMES.map((name) => ({ name }));
  const { topics } = await connection.request(Metadata, 12, { topics: names });
  const { apiKeys } = await connection.request(ApiVersions, 0, {});
  const served = new Map(
    apiKeys.map(({ apiKey, minVersion, maxVersion }) => [
      apiKey,
      // Produce announces version 0 for librdkafka, but refuses versions below 3.
      { min: apiKey === 0 ? 3 : minVersion, max: maxVersion },
    ]),
  );
  const ids = topics.map(({ topicId }) => topicId);
  return new FrameSource(random, served, {
    names: NAMES,
    ids: [...ids, "00000000-0000-0000-0000-000000000000", "ffffffff-0000-4000-8000-000000000000"],
  });
}

interface FuzzState {
  left: number;
  answered: number;
  unexpectedCloses: number;
}

async function attack(source: FrameSource, state: FuzzState): Promise<void> {
  while (state.left > 0) {
    const frames: MutatedFrame[] = [];
    do {
      frames.push(source.next());
      state.left--;
    } while (state.left > 0 && frames.length < FRAMES_PER_CONNECTION && frames.at(-1)!.answeredAs);
    const connection = await within(HANG_MS, "connecting", RawConnection.open(broker.port));
    connection.send(...frames.map(({ bytes }) => bytes));
    if (!(await answered(connection, frames, state))) state.unexpectedCloses++;
    connection.reset();
  }
}

/** Checks that each frame gets a valid response, or the silence or close that is allowed for it. */
async function answered(
  connection: RawConnection,
  frames: MutatedFrame[],
  state: FuzzState,
): Promise<boolean> {
  for (const { bytes, answeredAs } of frames) {
    if (!answeredAs) {
      await Promise.race([connection.closed, silence()]);
      return true;
    }
    const { api, version } = answeredAs;
    const what = `${api.name} ${version} (${bytes.toString("hex")})`;
    const frame = await Promise.race([connection.nextFrame().catch(() => "closed"), silence()]);
    if (frame === "silence") return true;
    if (typeof frame === "string") {
      console.log(`the connection was closed instead of an answer to ${what}`);
      return false;
    }
    try {
      decodeResponse(api, version, frame);
    } catch (error) {
      throw new Error(`no answer to ${what}: ${frame.toString("hex")}`, { cause: error });
    }
    state.answered++;
  }
  return true;
}

function silence(): Promise<"silence"> {
  return new Promise((resolve) => setTimeout(resolve, SILENCE_MS, "silence"));
}
