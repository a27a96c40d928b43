import { join } from "node:path";
import { HEADER_CHUNK_BYTES } from "../limits.ts";
import { BatchScanner } from "./batch-scanner.ts";
import { findBatch } from "./batch-search.ts";
import { INDEX_SUFFIX, LOG_SUFFIX, segmentName, TIME_INDEX_SUFFIX } from "./file-names.ts";
import { SegmentIndex } from "./segment-index.ts";
import type { Store } from "./store.ts";

/** A stretch of a log in files of its own. Knows its bytes, not what comes after it. */
export class Segment {
  readonly baseOffset: number;
  readonly directory: string;
  /** When this process first saw it, for rolling by time when records carry no timestamp. */
  readonly seenAtMs: number;
  /** Bytes of whole batches in it. */
  sizeBytes: number;
  /** Max timestamp of the first batch; undefined until it was read. */
  firstTimestamp: number | undefined;
  /** Of all batches; undefined until it was read. Only kept of sealed segments. */
  maxTimestamp: number | undefined;
  index: SegmentIndex | null = null;

  constructor(directory: string, baseOffset: number, sizeBytes: number, seenAtMs: number) {
    this.directory = directory;
    this.baseOffset = baseOffset;
    this.sizeBytes = sizeBytes;
    this.seenAtMs = seenAtMs;
  }

  get name(): string {
    return segmentName(this.baseOffset);
  }
  get logPath(): string {
    return join(this.directory, this.name + LOG_SUFFIX);
  }

  /** The index: held, loaded, or built anew from the batches. `endOffset` is the segment's end. */
  async loadIndex(store: Store, endOffset: number, intervalBytes: number): Promise<SegmentIndex> {
    if (this.sizeBytes === 0) this.index ??= new SegmentIndex();
    if (this.index) return this.index;
    const endPosition = this.sizeBytes;
    const loaded = await SegmentIndex.load(
      store.fs,
      this.directory,
      this.name,
      endPosition,
      endOffset - this.baseOffset,
      false,
    );
    // Files of a segment this large can't be empty: they were lost rather than never written.
    const isEmpty = loaded?.offsets.length === 0 && endPosition > HEADER_CHUNK_BYTES;
    const usable = loaded && !isEmpty;
    const index = usable ? loaded : await this.rebuildIndex(store, endOffset, intervalBytes);
    this.index ??= index;
    return this.index;
  }

  /** Reads every header. Damaged stretches get no entries. */
  async rebuildIndex(store: Store, endOffset: number, intervalBytes: number) {
    const index = new SegmentIndex();
    await this.walk(store, { position: 0, offset: this.baseOffset, endOffset }, (batch) => {
      const last = batch.nextOffset - 1 - this.baseOffset;
      index.note(last, batch.position, batch.sizeBytes, batch.maxTimestamp, intervalBytes);
      return true;
    });
    this.index = index;
    // Only to be found at the next start: reading goes on without the files.
    await index.save(store.fs, this.directory, this.name).catch(() => {});
    return index;
  }

  /**
   * Shows the header of each batch from a position on, until `visit` returns false. Jumps over
   * what is damaged. A null offset means that of the first batch is not known.
   */
  async walk(
    store: Store,
    from: { position: number; offset: number | null; endOffset: number },
    visit: (batch: BatchScanner) => boolean,
  ): Promise<void> {
    const end = this.sizeBytes;
    await store.files.use(this.logPath, async (file) => {
      let scanner = new BatchScanner(file, from.position, end, HEADER_CHUNK_BYTES);
      let expected = from.offset;
      for (;;) {
        const step = await scanner.look(expected);
        if (step === "end") return;
        if (step === "batch") {
          if (!visit(scanner)) return;
          expected = scanner.nextOffset;
          scanner.advance();
          continue;
        }
        const minOffset = expected ?? this.baseOffset;
        const found = await findBatch(file, scanner.position, end, minOffset, from.endOffset);
        if (!found) return;
        scanner = new BatchScanner(file, found.position, end, HEADER_CHUNK_BYTES);
        expected = found.baseOffset;
      }
    });
  }

  async loadFirstTimestamp(store: Store): Promise<void> {
    const from = { position: 0, offset: this.baseOffset, endOffset: Number.POSITIVE_INFINITY };
    await this.walk(store, from, (batch) => {
      this.firstTimestamp = batch.maxTimestamp;
      return false;
    });
    this.firstTimestamp ??= -1;
  }

  async removeFiles(store: Store): Promise<void> {
    await store.files.forget(this.logPath);
    const path = join(this.directory, this.name);
    for (const suffix of [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX])
      await store.fs.remove(path + suffix);
  }

  /** Makes the files of a new, empty segment. Whatever a failed attempt left there is dropped. */
  static async create(store: Store, directory: string, baseOffset: number): Promise<Segment> {
    const segment = new Segment(directory, baseOffset, 0, store.env.clock.wallMs());
    const file = await store.fs.open(segment.logPath, { create: true });
    try {
      await file.truncate(0);
    } finally {
      await file.close();
    }
    segment.index = new SegmentIndex();
    return segment;
  }
}
