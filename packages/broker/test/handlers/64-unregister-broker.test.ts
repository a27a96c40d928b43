import { ErrorCode, UnregisterBroker } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { cluster } from "../metadata/cluster.ts";
import { brokerWithoutStorage, clusterBroker } from "./cluster-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

const unregister = (broker: WholeBroker, brokerId: number) =>
  broker.call(UnregisterBroker, 0, { brokerId });

it("UnregisterBroker removes a broker that is down and has no replicas", async () => {
  const history = cluster([1, 2, 3], { t: [[1, 2]] });
  history.fence(2, 3);
  const broker = await clusterBroker(history);
  expect(await unregister(broker, 3)).toMatchObject({ errorCode: 0, errorMessage: null });
  expect(history.image.brokers.has(3)).toBe(false);
  expect((await unregister(broker, 3)).errorCode).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
  const held = await unregister(broker, 2);
  expect(held).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
  expect(held.errorMessage).toContain("t-0");
});

it("UnregisterBroker refuses the broker itself and unknown ones, also in a cluster", async () => {
  for (const broker of [await WholeBroker.start(), await clusterBroker(cluster([1]))]) {
    const { errorCode, errorMessage } = await unregister(broker, 1);
    expect(errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect(errorMessage).toContain("stop it");
    expect((await unregister(broker, 2)).errorCode).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
  }
});

it("UnregisterBroker answers KAFKA_STORAGE_ERROR when it can't store", async () => {
  const { errorCode } = await unregister(await brokerWithoutStorage(), 1);
  expect(errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
});
