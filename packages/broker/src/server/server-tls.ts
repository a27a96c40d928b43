import type { TLSSocket, TlsOptions } from "node:tls";
import type { KafkaPrincipal } from "../security/principal.ts";

/** Who a client is after its handshake, or why it is refused. */
export type Admission = { readonly principal: KafkaPrincipal } | { readonly refusal: string };

/** TLS of a listener. */
export interface ServerTls {
  readonly options: TlsOptions;
  admit(socket: TLSSocket): Admission;
  /** `onChange` is called when `options` have changed. Returns what ends the watch. */
  watch(onChange: () => void): () => void;
}
