import type { SaslSettings } from "../config/sasl-settings.ts";
import type { Gate } from "../server/gate.ts";
import { Credentials, type FindCredential } from "./credentials.ts";
import { SaslHttpLogin } from "./http-login.ts";
import { type GateParts, SaslGate } from "./sasl-gate.ts";

interface Parts extends Pick<GateParts, "env" | "ready"> {
  /** The users in the metadata. */
  readonly find: FindCredential;
}

export type OpenGates = (parts: Parts) => (settings: SaslSettings) => Gate;

/** Makes the gates of all listeners, which share what checks passwords. */
export const openGates: OpenGates = ({ find, env, ready }) => {
  const credentials = new Credentials(find, env.random);
  return (settings) => ({
    maxFrameBytes: settings.maxFrameBytes,
    http: new SaslHttpLogin({ settings, credentials, ready, timers: env.timers }),
    open: (connection) => new SaslGate({ settings, credentials, env, ready }, connection),
  });
};
