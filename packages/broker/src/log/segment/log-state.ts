import { DamagedRanges } from "../damaged-ranges.ts";
import { READ_FAILURE_REMINDER_MS } from "../limits.ts";
import type { LogOptions } from "../log.ts";
import { LogError } from "../log-error.ts";
import type { Segment } from "./segment.ts";

/** The state of one open log, shared by its writer, reader and durability. */
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
  /** How often compaction has replaced segments. */
  replacements = 0;
  /** Damage that reads found. */
  readonly damages = new DamagedRanges();
  /** Whether recovery found that acknowledged batches are missing. */
  readonly lossAtOpening: boolean;
  #readFailureToldMs = Number.NEGATIVE_INFINITY;
  readonly #alert: (line: string) => void;

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
    alert: (line: string) => void,
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
    this.#alert = alert;
    this.sizeBytes = this.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  get active(): Segment {
    return this.segments[this.segments.length - 1]!;
  }

  /** Counts ranges after `startOffset`; at least 1 after a loss that no read has located yet. */
  get damagedRanges(): number {
    return Math.max(this.damages.countFrom(this.startOffset), Number(this.lossAtOpening));
  }

  /** Index in `segments` of the one that holds `offset`, which must not precede the first one. */
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

  /** One past the last offset that belongs to `segments[index]`, even if its batch is lost. */
  endOfSegment(index: number): number {
    return this.segments[index + 1]?.baseOffset ?? this.endOffset;
  }

  /** Where `part`, consecutive segments, is in `segments`; -1 when one of them is gone. */
  indexOfPart(part: readonly Segment[]): number {
    const at = this.segments.indexOf(part[0]!);
    return part.every((segment, i) => this.segments[at + i] === segment) ? at : -1;
  }

  /** Takes out the segments below the start, except the active one. */
  trim(): readonly Segment[] {
    let whole = 0;
    while (whole < this.segments.length - 1 && this.endOfSegment(whole) <= this.startOffset)
      whole += 1;
    const trimmed = this.segments.splice(0, whole);
    for (const segment of trimmed) this.sizeBytes -= segment.sizeBytes;
    return trimmed;
  }

  /** Puts a compacted segment in the place of `olds`. */
  replace(olds: readonly Segment[], cleaned: Segment): void {
    this.segments.splice(this.indexOfPart(olds), olds.length, cleaned);
    this.sizeBytes += cleaned.sizeBytes;
    for (const old of olds) {
      old.isReplaced = true;
      this.sizeBytes -= old.sizeBytes;
    }
    this.replacements += 1;
  }

  /** Whether to report a failed read at `nowMs`, monotonic. */
  isReadFailureNews(nowMs: number): boolean {
    if (nowMs - this.#readFailureToldMs < READ_FAILURE_REMINDER_MS) return false;
    this.#readFailureToldMs = nowMs;
    return true;
  }

  /** Takes the log offline until it is opened again; the first reason is kept. */
  fail(what: string, cause: unknown): LogError {
    if (this.failure !== null) return this.failure;
    const reason = (cause as Error)?.message ?? String(cause);
    const message = `log ${this.name} is offline: ${what}: ${reason}`;
    this.failure = new LogError("offline", message, { cause });
    this.#alert(`${message}. Check the disk: it serves nothing until it was opened again`);
    return this.failure;
  }
}
