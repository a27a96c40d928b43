import { AlterConfigs, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { configsOf, ResourceType } from "../../src/config/kafka/set-configs.ts";
import { createTopics } from "../metadata/ask.ts";
import { spec } from "../metadata/support.ts";
import { WholeBroker } from "./whole-broker.ts";

it("AlterConfigs replaces all configs of a resource, at both ends of its versions", async () => {
  const broker = await WholeBroker.start();
  await createTopics(broker.metadata, [
    spec("t", { configs: [{ name: "retention.ms", value: "5" }] }),
  ]);
  const alter = (version: number, name: string, value: string | null, validateOnly = false) => {
    const configs = [{ name, value }];
    const resources = [{ resourceType: ResourceType.topic, resourceName: "t", configs }];
    return broker.call(AlterConfigs, version, { resources, validateOnly });
  };
  const own = () => Object.fromEntries(configsOf(broker.metadata.image, ResourceType.topic, "t"));
  const { responses } = await alter(0, "segment.ms", "7");
  const resource = { resourceType: ResourceType.topic, resourceName: "t" };
  expect(responses).toEqual([{ errorCode: 0, errorMessage: null, ...resource }]);
  expect(own()).toEqual({ "segment.ms": "7" });
  expect(broker.metadata.topicConfig("t")).toMatchObject({
    segmentMs: 7,
    segmentBytes: 1_073_741_824,
  });
  expect((await alter(2, "segment.ms", "8", true)).responses[0]).toMatchObject({ errorCode: 0 });
  const bad = (await alter(2, "segment.m", "8")).responses[0]!;
  expect(bad.errorCode).toBe(ErrorCode.INVALID_CONFIG);
  expect(bad.errorMessage).toContain("segment.ms");
  const none = (await alter(2, "segment.ms", null)).responses[0]!;
  expect(none.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  expect(own()).toEqual({ "segment.ms": "7" });
});
