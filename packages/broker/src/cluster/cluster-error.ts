/** Why a broker can't join its cluster. The message is one line and says what to do next. */
export class ClusterError extends Error {
  readonly code:
    | "TARPAN_OTHER_CLUSTER"
    | "TARPAN_METADATA_LOST"
    | "TARPAN_METADATA_TOO_NEW"
    | "TARPAN_BROKER_REMOVED";

  constructor(code: ClusterError["code"], message: string) {
    super(message);
    this.name = "ClusterError";
    this.code = code;
  }
}
