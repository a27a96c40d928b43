import { ZERO_UUID } from "@tarpan/protocol";
import { ConfigResolver } from "../../../src/config/kafka/resolve.ts";
import { CoordinatorShard } from "../../../src/coordinator/shard.ts";
import { GroupLog } from "../../../src/groups/group-log.ts";
import { groupMachine } from "../../../src/groups/machine.ts";
import { MemoryEngine } from "../../../src/log/memory.ts";
import { silentLogger } from "../../../src/logging/logger.ts";
import { EMPTY_IMAGE } from "../../../src/metadata/image.ts";
import { Partition } from "../../../src/partition/partition.ts";
import { ClockJumps } from "../../../src/util/clock-jumps.ts";
import { ManualTime } from "../../env/manual-time.ts";
import { SeededRandom } from "../../env/seeded-random.ts";
import { testEnv } from "../../env/test-env.ts";
import { imageOf, topicId } from "./support.ts";

const ID = { topic: "__consumer_offsets", topicId: ZERO_UUID, partition: 0 };
const OPTIONS = { segmentBytes: 1 << 30, segmentMs: 1 << 30, indexIntervalBytes: 4096 };

/** A real log of `__consumer_offsets`; `load` opens a shard of the group coordinator on it. */
export async function offsetsLog() {
  const log = await new MemoryEngine(testEnv()).create(ID, OPTIONS);
  const partition = await Partition.open(ID, log, 0);
  const time = new ManualTime();
  const image = imageOf({ t: topicId("t") });
  const config = new ConfigResolver(1, {}).broker(EMPTY_IMAGE);
  const world = {
    env: { clock: time, timers: time, random: new SeededRandom(1) },
    image: () => image,
    config: () => config,
    jumps: new ClockJumps(time),
    onFailure() {},
    reportBug(error: unknown) {
      throw error;
    },
  };
  const machine = groupMachine(new GroupLog(silentLogger));
  return { log, load: () => CoordinatorShard.load(partition, machine, world) };
}
