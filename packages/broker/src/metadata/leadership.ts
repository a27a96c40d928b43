import { ErrorCode } from "@tarpan/protocol";
import type { MetadataImage, PartitionImage } from "./image.ts";

/**
 * What this broker may do with a partition: what the metadata says, until that expires. A broker
 * that is isolated can't know what was decided since: others may lead by now what the metadata here
 * says it leads. It then leads nothing and follows nothing. Nobody but this class asks whether the
 * broker is isolated.
 */
export class Leadership {
  readonly #nodeId: number;
  readonly #image: () => MetadataImage;
  readonly #isIsolated: () => boolean;

  constructor(nodeId: number, image: () => MetadataImage, isIsolated: () => boolean) {
    this.#nodeId = nodeId;
    this.#image = image;
    this.#isIsolated = isIsolated;
  }

  /** Whether what the metadata says of leaders is not to be relied on at the moment. */
  get isExpired(): boolean {
    return this.#isIsolated();
  }

  /** Whether this broker leads the partition now. */
  leads(topic: string, index: number): boolean {
    return this.#find(topic, index)?.leader === this.#nodeId && !this.isExpired;
  }

  /** Whether the replica beside this broker is in sync, as far as the controller knows now. */
  isInSync(topic: string, index: number): boolean {
    return this.#find(topic, index)?.isr.includes(this.#nodeId) === true && !this.isExpired;
  }

  /** What a client is told of a partition that this broker does not lead. */
  refusal(topic: string, index: number): ErrorCode {
    return this.#find(topic, index) === undefined
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  #find(topic: string, index: number): PartitionImage | undefined {
    return this.#image().topics.get(topic)?.partitions[index];
  }
}
