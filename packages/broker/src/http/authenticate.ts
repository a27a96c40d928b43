import { ANONYMOUS, type KafkaPrincipal } from "../security/principal.ts";
import { type Gate, LogInUnavailable } from "../server/gate.ts";
import { Access, type Rules } from "./access.ts";
import { HttpError } from "./http-error.ts";
import { RETRY_AFTER_SECONDS } from "./limits.ts";
import type { NodeBindings } from "./node-listener.ts";

/** Ends the connection, as a failed log-in does over Kafka's protocol. */
const CLOSE = { connection: "close" };

/**
 * Who sent the request: on a listener with SASL a user, whom the request has to name; on others the
 * owner of the connection's certificate, or ANONYMOUS. Rejects with HttpError: 401, 403, 503.
 * `isOpen`: the path is served without a log-in, too. A client without one may do nothing then.
 */
export async function authenticate(
  { incoming, client }: NodeBindings,
  rules: Rules,
  isOpen: boolean,
): Promise<Access> {
  const { gate, principal, remoteAddress, listener, hasTls } = client;
  if (gate === null) return new Access({ principal, remoteAddress, listener }, rules);
  const { authorization } = incoming.headers;
  const { http } = gate;
  const nobody = () => {
    const stranger = { principal: ANONYMOUS, remoteAddress, listener };
    return new Access(stranger, { ...rules, authorizer: null });
  };
  if (isOpen && (authorization === undefined || !http.isReady)) return nobody();
  if (authorization === undefined)
    throw unauthorized(http, hasTls, "log in, as the WWW-Authenticate header says");
  if (!http.isReady) throw unavailable("the broker is starting: try again in a moment");
  let user: KafkaPrincipal | null;
  try {
    user = await client.logIn(http, authorization);
  } catch (error) {
    if (!(error instanceof LogInUnavailable)) throw error;
    if (isOpen) return nobody();
    // The reason has the issuer's address, which is nothing for strangers.
    throw unavailable("the token can't be checked now: the broker's log and /ready say why");
  }
  if (user === null) throw unauthorized(http, hasTls, "the log-in failed");
  const known = { principal: user, remoteAddress, listener };
  rules.audit.loggedIn(known, `HTTP ${authorization.split(" ", 1)[0]}`);
  return new Access(known, rules);
}

function unavailable(why: string): HttpError {
  return new HttpError(503, why, { ...CLOSE, "retry-after": `${RETRY_AFTER_SECONDS}` });
}

function unauthorized(http: Gate["http"], hasTls: boolean, why: string): HttpError {
  const challenges = http.challenges(hasTls);
  if (challenges.length === 0) {
    const todo = "use a listener with TLS, or Kafka's protocol";
    return new HttpError(403, `nobody can log in over HTTP without TLS here: ${todo}`, CLOSE);
  }
  return new HttpError(401, why, { ...CLOSE, "www-authenticate": challenges.join(", ") });
}
