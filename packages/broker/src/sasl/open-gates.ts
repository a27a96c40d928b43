import type { SaslSettings } from "../config/sasl-settings.ts";
import type { Gate } from "../server/gate.ts";
import type { BearerTokens } from "./bearer-tokens.ts";
import { Credentials, type FindCredential } from "./credentials.ts";
import { SaslHttpLogin } from "./http-login.ts";
import { type GateParts, SaslGate } from "./sasl-gate.ts";

interface Parts extends Pick<GateParts, "env" | "ready" | "isIsolated"> {
  /** The users in the metadata. */
  readonly find: FindCredential;
}

/** `tokens` is null without OAUTHBEARER. */
type OpenGate = (settings: SaslSettings, tokens: BearerTokens | null) => Gate;

export type OpenGates = (parts: Parts) => OpenGate;

/** Makes the gates of all listeners, which share what checks passwords. */
export const openGates: OpenGates = ({ find, ...shared }) => {
  const credentials = new Credentials(find, shared.env.random);
  return (settings, tokens) => {
    const parts = { ...shared, settings, credentials, tokens };
    return {
      maxFrameBytes: settings.maxFrameBytes,
      http: new SaslHttpLogin(parts),
      open: (connection) => new SaslGate(parts, connection),
    };
  };
};
