import { join } from "node:path";
import type { FileSystem } from "../../env/env.ts";
import { INDEX_SUFFIX, TIME_INDEX_SUFFIX } from "./file-names.ts";
import { OffsetIndex } from "./offset-index.ts";
import { TimeIndex } from "./time-index.ts";

/** The offset index and the time index of one segment. */
export class SegmentIndex {
  readonly offsets: OffsetIndex;
  readonly times: TimeIndex;
  #bytesSinceEntry: number;
  #maxTimestamp: number;
  #maxTimestampOffset: number;
  /** Entries that the files already hold. */
  #savedOffsets = 0;
  #savedTimes = 0;
  /** Whether both files exist and hold nothing but those entries. */
  #inFiles = false;

  constructor(offsets = new OffsetIndex(), times = new TimeIndex(), endPosition = 0) {
    this.offsets = offsets;
    this.times = times;
    this.#bytesSinceEntry = endPosition - offsets.lastPosition;
    this.#maxTimestamp = times.lastTimestamp;
    this.#maxTimestampOffset = times.lastRelativeOffset;
  }

  get sizeBytes(): number {
    return this.offsets.sizeBytes + this.times.sizeBytes;
  }
  /** Whether the files hold all entries, so that the index can be dropped from memory. */
  get isSaved(): boolean {
    return (
      this.#savedOffsets === this.offsets.length &&
      this.#savedTimes === this.times.length &&
      this.times.lastTimestamp === this.#maxTimestamp
    );
  }
  get maxTimestamp(): number {
    return this.#maxTimestamp;
  }

  /** Adds an entry for the next batch, if one is due by the rule of Kafka's LogSegment.append. */
  note(
    lastRelativeOffset: number,
    position: number,
    sizeBytes: number,
    maxTimestamp: number,
    intervalBytes: number,
  ): void {
    if (maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = maxTimestamp;
      this.#maxTimestampOffset = lastRelativeOffset;
    }
    if (this.#bytesSinceEntry > intervalBytes) {
      this.offsets.append(lastRelativeOffset, position);
      this.times.append(this.#maxTimestamp, this.#maxTimestampOffset);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += sizeBytes;
  }

  /** Appends new entries to the files; the time index ends with the segment's max timestamp. */
  async save(fs: FileSystem, directory: string, segmentName: string): Promise<void> {
    this.times.append(this.#maxTimestamp, this.#maxTimestampOffset);
    const { length: offsets } = this.offsets;
    const { length: times } = this.times;
    if (this.#inFiles && offsets === this.#savedOffsets && times === this.#savedTimes) return;
    const path = join(directory, segmentName);
    this.#inFiles = false;
    const newOffsets = this.offsets.encode(this.#savedOffsets);
    const newTimes = this.times.encode(this.#savedTimes);
    try {
      await appendEntries(fs, path + INDEX_SUFFIX, newOffsets, this.#savedOffsets * 8);
      await appendEntries(fs, path + TIME_INDEX_SUFFIX, newTimes, this.#savedTimes * 12);
    } catch (error) {
      // A time index that ends too early hides records from a search; a missing one is rebuilt.
      this.#savedTimes = 0;
      await fs.remove(path + TIME_INDEX_SUFFIX).catch(() => {});
      throw error;
    }
    this.#savedOffsets = offsets;
    this.#savedTimes = times;
    this.#inFiles = true;
  }

  /**
   * Loads the entries of batches that begin before position `endPosition` and offset
   * `endRelativeOffset`. Null when a file is missing or invalid. With `mayPassEnd` later entries
   * are dropped instead: after a crash the files may hold entries of batches that the log lost.
   */
  static async load(
    fs: FileSystem,
    directory: string,
    segmentName: string,
    endPosition: number,
    endRelativeOffset: number,
    mayPassEnd: boolean,
  ): Promise<SegmentIndex | null> {
    const path = join(directory, segmentName);
    const offsetBytes = await fs.readFile(path + INDEX_SUFFIX);
    const timeBytes = await fs.readFile(path + TIME_INDEX_SUFFIX);
    if (!offsetBytes || !timeBytes) return null;
    const offsets = OffsetIndex.decode(offsetBytes, endPosition, mayPassEnd);
    const times = TimeIndex.decode(timeBytes, endRelativeOffset, mayPassEnd);
    // A saved time index has at least the entry of the max timestamp: an empty one was damaged.
    if (!offsets || !times || times.length === 0) return null;
    const index = new SegmentIndex(offsets, times, endPosition);
    index.#savedOffsets = offsets.length;
    index.#savedTimes = times.length;
    index.#inFiles = !mayPassEnd;
    return index;
  }
}

async function appendEntries(
  fs: FileSystem,
  path: string,
  entries: Uint8Array,
  position: number,
): Promise<void> {
  const file = await fs.open(path, { create: true });
  try {
    await file.truncate(position);
    if (entries.byteLength > 0) await file.write([entries], position);
    await file.sync();
  } finally {
    await file.close();
  }
}
