import { join } from "node:path";
import { HEADER_CHUNK_BYTES } from "../limits.ts";
import { BatchScanner } from "./batch-scanner.ts";
import { findBatch } from "./batch-search.ts";
import { INDEX_SUFFIX, LOG_SUFFIX, segmentName, TIME_INDEX_SUFFIX } from "./file-names.ts";
import { SegmentIndex } from "./segment-index.ts";
import type { Store } from "./store.ts";

/** A range of a log's offsets in its own files. It does not know where the next segment begins. */
export class Segment {
  readonly baseOffset: number;
  readonly directory: string;
  /** When this process created or opened it, for rolling by time if records have no timestamp. */
  readonly seenAtMs: number;
  /** Of the last write, wall clock, ms; see correctWrittenAt. */
  writtenAtMs: number;
  /** The part of `segmentJitterMs` by which it is closed earlier, 0 … 1; chosen when needed. */
  jitter: number | undefined;
  /** Bytes of its complete batches. */
  sizeBytes: number;
  /** Max timestamp of the first batch, ms; undefined until it was read. */
  firstTimestamp: number | undefined;
  /** Max timestamp of all batches, ms; only set once a sealed segment's index was saved or used. */
  maxTimestamp: number | undefined;
  index: SegmentIndex | null = null;
  /** Of the file's name, while compaction puts this segment in the place of others. */
  suffix = "";
  /** Compaction has put another segment in its place: what a reader still finds may be wrong. */
  isReplaced = false;
  /** The save of an index that was built again: it must end before others write these files. */
  saving: Promise<void> | null = null;

  constructor(
    directory: string,
    baseOffset: number,
    sizeBytes: number,
    { seenAtMs, writtenAtMs }: Pick<Segment, "seenAtMs" | "writtenAtMs">,
  ) {
    this.directory = directory;
    this.baseOffset = baseOffset;
    this.sizeBytes = sizeBytes;
    this.seenAtMs = seenAtMs;
    this.writtenAtMs = writtenAtMs;
  }

  get name(): string {
    return segmentName(this.baseOffset);
  }
  get logPath(): string {
    return join(this.directory, this.name + LOG_SUFFIX + this.suffix);
  }

  /** The index: from memory, loaded, or rebuilt. `endOffset` is the segment's end. */
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
    // A segment this large has index entries: empty files have lost their content.
    const isEmpty = loaded?.offsets.length === 0 && endPosition > HEADER_CHUNK_BYTES;
    const usable = loaded && !isEmpty;
    const index = usable ? loaded : await this.rebuildIndex(store, endOffset, intervalBytes);
    this.index ??= index;
    return this.index;
  }

  /** Rebuilds the index from all batch headers. Damaged ranges get no entries. */
  async rebuildIndex(store: Store, endOffset: number, intervalBytes: number) {
    const index = new SegmentIndex();
    await this.walk(store, { position: 0, offset: this.baseOffset, endOffset }, (batch) => {
      const last = batch.nextOffset - 1 - this.baseOffset;
      index.note(last, batch.position, batch.sizeBytes, batch.maxTimestamp, intervalBytes);
      return true;
    });
    this.index = index;
    // A failure is ignored: the files only save this work at the next start.
    if (this.isReplaced) return index;
    const before = this.saving;
    const save = () => index.save(store.fs, this.directory, this.name).catch(() => {});
    this.saving = before === null ? save() : before.then(save);
    await this.saving;
    return index;
  }

  /**
   * Calls `visit` with the header of each batch from a position on, until it returns false. Skips
   * damaged ranges. `offset` is the base offset of the first batch, null when unknown.
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

  /**
   * Readers that use the file already can finish. The batches come last: after a crash only
   * segments that have a file of them are found.
   */
  async removeFiles(store: Store, delayMs = 0): Promise<void> {
    await this.removeIndex(store, delayMs);
    await store.files.forget(this.logPath);
    await store.removals.remove(this.logPath, delayMs, (path) => store.files.released(path));
  }

  async removeIndex(store: Store, delayMs = 0): Promise<void> {
    const path = join(this.directory, this.name);
    for (const suffix of [INDEX_SUFFIX, TIME_INDEX_SUFFIX])
      await store.removals.remove(path + suffix, delayMs);
  }

  /** Creates a new, empty segment. What a failed attempt left in its file is removed. */
  static async create(store: Store, directory: string, baseOffset: number): Promise<Segment> {
    const nowMs = store.env.clock.wallMs();
    const times = { seenAtMs: nowMs, writtenAtMs: nowMs };
    const segment = new Segment(directory, baseOffset, 0, times);
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
