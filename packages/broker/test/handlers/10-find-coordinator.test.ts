import { ErrorCode, FindCoordinator } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

it("says honestly that there is no coordinator, at every version", async () => {
  const broker = await WholeBroker.start();
  for (let version = 0; version <= 3; version++) {
    const answer = await broker.call(FindCoordinator, version, { key: "group" });
    expect(answer).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, nodeId: -1 });
  }
  for (let version = 4; version <= 6; version++) {
    const { coordinators } = await broker.call(FindCoordinator, version, {
      coordinatorKeys: ["a", "b"],
    });
    expect(coordinators.map(({ key, errorCode }) => [key, errorCode])).toEqual([
      ["a", ErrorCode.COORDINATOR_NOT_AVAILABLE],
      ["b", ErrorCode.COORDINATOR_NOT_AVAILABLE],
    ]);
  }
});
