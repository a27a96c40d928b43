import type { LogErrorKind } from "../log-error.ts";
import type { CleaningRun } from "./batch-cleaner.ts";

/** What the cleaner's thread is asked; see CleaningWork. */
export type ThreadCall =
  | { readonly method: "begin"; readonly run: CleaningRun }
  | {
      readonly method: "note" | "filter";
      readonly chunk: Uint8Array;
      readonly baseOffset: number;
    }
  | { readonly method: "finishFile" | "end" };

/** `kind` is null for an error that is not a LogError. */
export type ThreadAnswer =
  | { readonly result: unknown }
  | { readonly error: { readonly kind: LogErrorKind | null; readonly message: string } };
