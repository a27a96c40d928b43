import type { TopicPartition } from "../connection/offsets.ts";

/** The position of an assigned partition. */
export class Position implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** The offset of the next record to hand out. */
  offset: number;
  /** From the last Fetch response; null before the first. */
  highWatermark: number | null = null;
  paused = false;

  constructor(topic: string, partition: number, offset: number) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
  }

  get atEnd(): boolean {
    return this.highWatermark !== null && this.offset >= this.highWatermark;
  }
}
