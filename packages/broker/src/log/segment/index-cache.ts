import { INDEX_CACHE_BYTES } from "../limits.ts";

/** A segment, as far as this cache needs it. */
interface Indexed {
  index: { readonly isSaved: boolean; readonly sizeBytes: number } | null;
}

/** Bounds the memory of sealed segments' indexes; the least recently used one is dropped first. */
export class IndexCache {
  readonly #held = new Map<Indexed, number>();
  readonly #limitBytes: number;
  #heldBytes = 0;

  constructor(limitBytes = INDEX_CACHE_BYTES) {
    this.#limitBytes = limitBytes;
  }

  /** Call it when a sealed segment's index was used. Indexes that no file holds are kept. */
  used(segment: Indexed): void {
    if (!segment.index?.isSaved) return;
    this.forget(segment);
    this.#held.set(segment, segment.index.sizeBytes);
    this.#heldBytes += segment.index.sizeBytes;
    for (const oldest of this.#held.keys()) {
      if (this.#heldBytes <= this.#limitBytes) return;
      this.forget(oldest);
      oldest.index = null;
    }
  }

  forget(segment: Indexed): void {
    this.#heldBytes -= this.#held.get(segment) ?? 0;
    this.#held.delete(segment);
  }
}
