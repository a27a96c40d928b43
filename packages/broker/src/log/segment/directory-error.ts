export type DataDirectoryErrorCode =
  | "TARPAN_DATA_DIRECTORY_IN_USE"
  | "TARPAN_DATA_DIRECTORY_UNWRITABLE"
  | "TARPAN_DATA_DIRECTORY_VERSION"
  | "TARPAN_DATA_DIRECTORY_INCOMPLETE"
  | "TARPAN_DATA_DIRECTORY_OTHER_NODE";

/** Why a broker cannot start on a data directory. `message` is one line for the operator. */
export class DataDirectoryError extends Error {
  readonly code: DataDirectoryErrorCode;

  constructor(code: DataDirectoryErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "DataDirectoryError";
    this.code = code;
  }
}
