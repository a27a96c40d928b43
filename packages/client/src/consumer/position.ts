import type { TopicPartition } from "../connection/offsets.ts";

/** How far an assigned partition has been read. */
export class Position implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Of the next record to hand out. */
  offset: number;
  /** One past the last readable record as last heard, null until then. */
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
