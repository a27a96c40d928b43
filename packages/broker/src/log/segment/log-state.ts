import { DamagedRanges } from "../damaged-ranges.ts";
import type { LogOptions } from "../log.ts";
import { LogError } from "../log-error.ts";
import type { Segment } from "./segment.ts";

/** What the parts of one open log share. */
export class LogState {
  readonly name: string;
  readonly directory: string;
  /** Ascending, never empty; the last one is the active one. */
  readonly segments: Segment[];
  options: LogOptions;
  startOffset: number;
  endOffset: number;
  nextOffset: number;
  maxTimestamp: number;
  sizeBytes: number;
  failure: LogError | null = null;
  /** What reading found, and whether opening found that something acknowledged is gone. */
  readonly damages = new DamagedRanges();
  readonly lossAtOpening: boolean;

  constructor(
    name: string,
    directory: string,
    options: LogOptions,
    recovered: {
      segments: Segment[];
      startOffset: number;
      endOffset: number;
      maxTimestamp: number;
      loss: boolean;
    },
  ) {
    this.name = name;
    this.directory = directory;
    this.options = options;
    this.segments = recovered.segments;
    this.startOffset = recovered.startOffset;
    this.endOffset = recovered.endOffset;
    this.nextOffset = recovered.endOffset;
    this.maxTimestamp = recovered.maxTimestamp;
    this.lossAtOpening = recovered.loss;
    this.sizeBytes = this.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  get active(): Segment {
    return this.segments[this.segments.length - 1]!;
  }

  /** Of offsets that the log still has. A loss that no reader has met yet is one of them. */
  get damagedRanges(): number {
    return Math.max(this.damages.countFrom(this.startOffset), Number(this.lossAtOpening));
  }

  /** Position in `segments` of the one that holds `offset`, which is not before the first. */
  indexOfSegmentAt(offset: number): number {
    let low = 0;
    let high = this.segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.segments[middle]!.baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** One past the last offset that belongs into `segments[index]`, there or lost. */
  endOfSegment(index: number): number {
    return this.segments[index + 1]?.baseOffset ?? this.endOffset;
  }

  /** Takes the log offline for good; the first reason stays. */
  fail(what: string, cause: unknown): LogError {
    const reason = (cause as Error)?.message ?? String(cause);
    this.failure ??= new LogError("offline", `log ${this.name} is offline: ${what}: ${reason}`, {
      cause,
    });
    return this.failure;
  }
}
