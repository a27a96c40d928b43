import { ErrorCode } from "@tarpan/protocol";
import type { MetadataImage, PartitionImage } from "./image.ts";

/**
 * Whether this broker leads or follows a partition by its metadata, which expires while the broker
 * is isolated: others may lead by then what this metadata says that it leads, so it leads nothing
 * and follows nothing. Only this class asks whether the broker is isolated.
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

  /** Whether this broker's metadata may name wrong leaders, because the broker is isolated. */
  get isExpired(): boolean {
    return this.#isIsolated();
  }

  /** Whether this broker leads the partition now. */
  leads(topic: string, index: number): boolean {
    return this.#find(topic, index)?.leader === this.#nodeId && !this.isExpired;
  }

  /** Whether this broker's replica is in the ISR. */
  isInSync(topic: string, index: number): boolean {
    return this.#find(topic, index)?.isr.includes(this.#nodeId) === true && !this.isExpired;
  }

  /** The error for a client that asks this broker for a partition that it does not lead. */
  refusal(topic: string, index: number): ErrorCode {
    return this.#find(topic, index) === undefined
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  #find(topic: string, index: number): PartitionImage | undefined {
    return this.#image().topics.get(topic)?.partitions[index];
  }
}
