import type { TopicPartition } from "../connection/offsets.ts";

/** The position of an assigned partition. */
export class Position implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** The offset of the next record to hand out. */
  offset: number;
  /**
   * The high watermark of the last Fetch response, or its last stable offset if only committed
   * records are read; null before the first.
   */
  end: number | null = null;
  paused = false;

  constructor(topic: string, partition: number, offset: number) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
  }

  get atEnd(): boolean {
    return this.end !== null && this.offset >= this.end;
  }
}
