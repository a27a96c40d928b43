import type { Env } from "../env/env.ts";
import { LogError } from "../log/log-error.ts";
import type { FollowerLog } from "../log/replication.ts";
import type { Logger } from "../logging/logger.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { metadataMachine } from "../metadata/machine.ts";
import { UnreadableMetadataError } from "../metadata/unreadable-metadata.ts";
import { type Replay, replayFrom } from "../state-machine/replay.ts";
import { Latch, type PendingLatch } from "../util/latch.ts";
import { nextTurnOf } from "../util/next-turn.ts";
import { CONTROLLER_RETRY_MS } from "./limits.ts";

type Position = Replay<MetadataImage>;

/**
 * Reads the metadata log and keeps this broker's image up to date.
 *
 * 1. At the start, and after the log was trimmed past its position, it shows no image before it has
 *    read up to an end offset that a controller announced since: an image from half a snapshot
 *    would look as if topics had been deleted. An announced end at or before the log's start offset
 *    is ignored, unless the start is 0: it does not cover the snapshot there.
 * 2. The image never goes back to an older one, whichever replica answers.
 */
export class MetadataFollower {
  readonly #log: FollowerLog;
  readonly #env: Pick<Env, "timers">;
  readonly #logger: Logger;
  readonly #onImage: (image: MetadataImage) => void;
  /** Opens when the next image is shown. */
  nextImage = new Latch();
  /** Requests that wait for an image, by the offset that it must reach. */
  readonly #waiting = new Map<number, Latch>();
  #position: Position;
  /** The log's start offset when reading began. */
  #begunAt: number;
  /** No image is shown before this offset; null until a controller announced an end. */
  #catchUpTo: number | null = null;
  #shownOffset = -1;
  #reading: Promise<void> | null = null;
  #closed = false;

  constructor(
    log: FollowerLog,
    parts: {
      readonly env: Pick<Env, "timers">;
      readonly logger: Logger;
      readonly onImage: (image: MetadataImage) => void;
    },
  ) {
    this.#log = log;
    this.#env = parts.env;
    this.#logger = parts.logger;
    this.#onImage = parts.onImage;
    this.#begunAt = log.startOffset;
    this.#position = { state: metadataMachine.initial, offset: log.startOffset };
  }

  /** Begins to read. */
  start(): void {
    this.#log.configure({ onAdvance: () => this.#advance() });
    this.#advance();
  }

  /** One past the last record in the image. */
  get offset(): number {
    return Math.max(0, this.#shownOffset);
  }

  /** To be called when a controller has announced the end offset of the log. */
  noteEnd(end: number): void {
    if (this.#catchUpTo === null && (end > this.#begunAt || this.#begunAt === 0)) {
      this.#catchUpTo = end;
      this.#show();
    }
    if (end > this.#position.offset) this.#log.refresh(end);
  }

  /** Opens when the image holds everything below `offset`; null if it already does. */
  whenShown(offset: number): PendingLatch | null {
    if (offset <= this.#shownOffset) return null;
    this.noteEnd(offset);
    // The announced end may have made an image visible that was already read.
    if (offset <= this.#shownOffset) return null;
    const waiting = this.#waiting.get(offset) ?? new Latch();
    this.#waiting.set(offset, waiting);
    return waiting;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#reading;
    await this.#log.close();
  }

  #advance(): void {
    // If a record can't be applied, the rejection stops the process: a retry would not help.
    this.#reading ??= this.#read().then(() => {
      this.#reading = null;
      if (!this.#closed && this.#position.offset < this.#log.endOffset) this.#advance();
    });
  }

  async #read(): Promise<void> {
    try {
      const { startOffset } = this.#log;
      if (this.#position.offset < startOffset) {
        // The log now begins with a snapshot that holds everything before.
        this.#position = { state: metadataMachine.initial, offset: startOffset };
        this.#begunAt = startOffset;
        this.#catchUpTo = null;
      }
      const nextTurn = nextTurnOf(this.#env.timers);
      this.#position = await replayFrom(metadataMachine, this.#log, this.#position, { nextTurn });
      this.#show();
    } catch (error) {
      if (error instanceof UnreadableMetadataError) this.#logger.error(`cluster: ${error.message}`);
      if (!(error instanceof LogError)) throw error;
      if (this.#closed) return;
      this.#logger.warn("cluster: the metadata log can't be read: trying again", { error });
      await new Promise<void>((resolve) => this.#env.timers.after(CONTROLLER_RETRY_MS, resolve));
    }
  }

  #show(): void {
    const { state, offset } = this.#position;
    if (this.#closed || this.#catchUpTo === null || offset < this.#catchUpTo) return;
    if (offset <= this.#shownOffset) return;
    this.#shownOffset = offset;
    this.#onImage(state);
    for (const [wanted, waiting] of this.#waiting) {
      if (wanted > offset) continue;
      this.#waiting.delete(wanted);
      waiting.open();
    }
    const shown = this.nextImage;
    this.nextImage = new Latch();
    shown.open();
  }
}
