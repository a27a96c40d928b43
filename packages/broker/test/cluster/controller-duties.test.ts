import { ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { ControllerDuties } from "../../src/cluster/controller-duties.ts";
import { CONTROLLER_TICK_MS } from "../../src/cluster/limits.ts";
import { KafkaError } from "../../src/util/kafka-error.ts";
import { ManualTime } from "../env/manual-time.ts";
import { cluster } from "../metadata/cluster.ts";

it("the controller goes on when its own decision must not be written yet, and says so once", async () => {
  const time = new ManualTime();
  const { image } = cluster([1, 2]);
  const errors: string[] = [];
  let asked = 0;
  const held = new KafkaError(ErrorCode.UNSUPPORTED_VERSION, "broker 2 reads up to level 1");
  const decide = async () => {
    asked++;
    throw held;
  };
  const duties = new ControllerDuties({
    env: { clock: time, timers: time },
    logger: { debug() {}, info() {}, warn() {}, error: (line: string) => errors.push(line) },
    membership: { hasExpired: (id: number) => id === 2 },
    replication: { states: async () => [] },
    local: { image, decide },
    removeServer: null,
  } as unknown as ConstructorParameters<typeof ControllerDuties>[0]);
  duties.start();
  for (let round = 0; round < 3; round++) {
    time.advance(CONTROLLER_TICK_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
  duties.stop();
  expect(asked).toBe(3);
  expect(errors).toEqual([
    "cluster: the controller can't do its work: broker 2 reads up to level 1",
  ]);
});
