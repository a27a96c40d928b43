// The controller's operations that tests use most often, with default arguments.
import type { CreatedTopic } from "../../src/metadata/create-topics.ts";
import type { ResourceChange } from "../../src/metadata/decide-alter-configs.ts";
import type { PartitionsSpec } from "../../src/metadata/decide-create-partitions.ts";
import type { TopicSpec } from "../../src/metadata/decide-create-topics.ts";
import type { TopicRef } from "../../src/metadata/decide-delete-topics.ts";
import type { Metadata } from "../../src/metadata/metadata.ts";

export async function createTopics(
  { controller }: Metadata,
  topics: readonly TopicSpec[],
): Promise<readonly CreatedTopic[]> {
  const request = { topics, validateOnly: false, internal: false };
  return (await controller.createTopics(request)).topics;
}

export async function deleteTopics({ controller }: Metadata, topics: readonly TopicRef[]) {
  return (await controller.deleteTopics({ topics })).topics;
}

export async function createPartitions(
  { controller }: Metadata,
  topics: readonly PartitionsSpec[],
) {
  return (await controller.createPartitions({ topics, validateOnly: false })).topics;
}

export async function alterConfigs(
  { controller, nodeId }: Metadata,
  resources: readonly ResourceChange[],
) {
  return (await controller.alterConfigs({ resources, validateOnly: false, nodeId })).resources;
}
