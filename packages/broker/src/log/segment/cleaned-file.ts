import { join } from "node:path";
import { batchSizeAt, lastOffsetAt, maxTimestampAt, viewOf } from "@tarpan/protocol";
import type { File } from "../../env/env.ts";
import { CLEANED_SYNC_BYTES } from "../limits.ts";
import { CLEANED_SUFFIX, LOG_SUFFIX, SWAP_SUFFIX, segmentName } from "./file-names.ts";
import { Segment } from "./segment.ts";
import { SegmentIndex } from "./segment-index.ts";
import type { Store } from "./store.ts";

/** The file of a compacted segment, beside the log until it is whole. */
export class CleanedFile {
  readonly #path: string;
  readonly #store: Store;
  readonly #directory: string;
  readonly #baseOffset: number;
  readonly #intervalBytes: number;
  readonly #file: File;
  readonly #index = new SegmentIndex();
  #firstTimestamp: number | undefined;
  #unsyncedBytes = 0;
  #syncing: Promise<void> = Promise.resolve();
  #isOpen = true;
  sizeBytes = 0;

  private constructor(
    store: Store,
    { directory, baseOffset }: Segment,
    intervalBytes: number,
    file: File,
  ) {
    this.#store = store;
    this.#directory = directory;
    this.#baseOffset = baseOffset;
    this.#intervalBytes = intervalBytes;
    this.#file = file;
    this.#path = pathOf(directory, baseOffset);
  }

  /** For a segment that begins where `first` does. */
  static async create(store: Store, first: Segment, intervalBytes: number): Promise<CleanedFile> {
    const path = pathOf(first.directory, first.baseOffset);
    const file = await store.fs.open(path, { create: true });
    // What a failed run left in the file.
    await file.truncate(0);
    return new CleanedFile(store, first, intervalBytes, file);
  }

  /**
   * Appends whole batches. They are synced in small parts, which others' syncs wait for less; each
   * part while the next one is being made.
   */
  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength === 0) return;
    await this.#file.write([bytes], this.sizeBytes);
    this.#unsyncedBytes += bytes.byteLength;
    if (this.#unsyncedBytes >= CLEANED_SYNC_BYTES) await this.#beginSync();
    const view = viewOf(bytes);
    for (let at = 0; at < bytes.byteLength; at += batchSizeAt(view, at)) {
      const maxTimestamp = maxTimestampAt(view, at);
      const last = lastOffsetAt(view, at) - this.#baseOffset;
      const sizeBytes = batchSizeAt(view, at);
      this.#index.note(last, this.sizeBytes, sizeBytes, maxTimestamp, this.#intervalBytes);
      this.#firstTimestamp ??= maxTimestamp;
      this.sizeBytes += sizeBytes;
    }
  }

  /**
   * Makes everything durable. The segment's file is `.swap` from the rename on that comes next;
   * retention counts its age from when the last segment that it replaces was written, also after a
   * restart.
   */
  async finish({ writtenAtMs }: Pick<Segment, "writtenAtMs">): Promise<Segment> {
    await this.#file.setModified(writtenAtMs);
    await this.#beginSync();
    await this.#syncing;
    await this.#close();
    const times = { seenAtMs: this.#store.env.clock.wallMs(), writtenAtMs };
    const segment = new Segment(this.#directory, this.#baseOffset, this.sizeBytes, times);
    segment.suffix = SWAP_SUFFIX;
    segment.index = this.#index;
    segment.firstTimestamp = this.#firstTimestamp;
    segment.maxTimestamp = this.#index.maxTimestamp;
    return segment;
  }

  /** Removes the file of a run that failed. */
  async discard(): Promise<void> {
    await this.#close().catch(() => {});
    await this.#store.fs.remove(this.#path).catch(() => {});
  }

  /** Once only: later, the descriptor's number may be another file's. */
  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#syncing.catch(() => {});
    await this.#file.close();
  }

  /** After the previous one, which must not have failed. */
  async #beginSync(): Promise<void> {
    await this.#syncing;
    this.#unsyncedBytes = 0;
    this.#syncing = this.#file.sync();
    // Its failure is met by the next one.
    this.#syncing.catch(() => {});
  }
}

function pathOf(directory: string, baseOffset: number): string {
  return join(directory, segmentName(baseOffset) + LOG_SUFFIX + CLEANED_SUFFIX);
}
