import { type Checks, checkOptions, flag, nonEmptyString } from "../checks/checks.ts";
import { timeoutMs } from "../checks/values.ts";
import { ClientError, isRetriable } from "../errors.ts";
import { backoffMs, Deadline, sleep } from "./retry.ts";
import { type BearerToken, secret, type TokenProvider } from "./security.ts";

/** OAuth's grant for a program that acts for itself (RFC 6749, 4.4). */
export interface ClientCredentialsOptions {
  /** Kafka's sasl.oauthbearer.token.endpoint.url. */
  readonly tokenEndpointUrl: string;
  /** Kafka's sasl.oauthbearer.client.credentials.client.id. */
  readonly clientId: string;
  /** Kafka's sasl.oauthbearer.client.credentials.client.secret. */
  readonly clientSecret: string;
  /** Kafka's sasl.oauthbearer.scope. Default: what the issuer gives without one. */
  readonly scope?: string | undefined;
  /**
   * Whether id and secret are encoded as RFC 6749 requires; Kafka's
   * sasl.oauthbearer.header.urlencode. Default: false, as in Kafka.
   */
  readonly headerUrlEncode?: boolean | undefined;
  /** Time for a token, with retries, ms. Default: 10,000. */
  readonly timeoutMs?: number | undefined;
}

const OPTIONS: Checks<ClientCredentialsOptions> = {
  tokenEndpointUrl: (name, value) => nonEmptyString(name, value) ?? urlProblem(name, value),
  clientId: nonEmptyString,
  clientSecret: secret,
  scope: nonEmptyString,
  headerUrlEncode: flag,
  timeoutMs,
};

function urlProblem(name: string, value: unknown): string | null {
  const isHttp = URL.canParse(String(value)) && /^https?:/i.test(String(value));
  if (!isHttp) return `${name} must be a URL with https: or http:`;
  // `fetch` refuses it, and shows the password in its message.
  const { username, password } = new URL(String(value));
  return username + password === "" ? null : `${name} must not contain a user or a password`;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** A token is used for this share of its lifetime: Kafka's sasl.login.refresh.window.factor. */
const USED_SHARE = 0.8;

/**
 * An `oauthBearerProvider` that gets tokens by a client id and a secret, and gives the same one
 * until 80 % of its lifetime are over. Throws TARPAN_BAD_OPTION.
 */
export function oauthClientCredentials(options: ClientCredentialsOptions): TokenProvider {
  const required = ["tokenEndpointUrl", "clientId", "clientSecret"] as const;
  checkOptions("oauthClientCredentials", options, OPTIONS, required);
  let last: { readonly token: BearerToken; readonly untilMs: number } | null = null;
  let asking: Promise<BearerToken> | null = null;
  const ask = async () => {
    const { value, lifetimeMs } = await requestToken(options);
    last = { token: { value }, untilMs: performance.now() + USED_SHARE * lifetimeMs };
    return last.token;
  };
  return async () => {
    if (last !== null && performance.now() < last.untilMs) return last.token;
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  };
}

interface Granted {
  readonly value: string;
  readonly lifetimeMs: number;
}

async function requestToken(options: ClientCredentialsOptions): Promise<Granted> {
  const deadline = new Deadline(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  let first: unknown;
  for (let tries = 0; ; tries++) {
    try {
      return await tryOnce(options, deadline.remainingMs);
    } catch (error) {
      if (!isRetriable(error)) throw error;
      // The last attempt may have had no time for more than a time-out.
      first ??= error;
      const waitMs = backoffMs(tries);
      if (waitMs >= deadline.remainingMs) throw first;
      await sleep(waitMs);
    }
  }
}

async function tryOnce(options: ClientCredentialsOptions, timeoutMs: number): Promise<Granted> {
  const { tokenEndpointUrl, clientId, clientSecret, scope, headerUrlEncode } = options;
  const [id, key] = [clientId, clientSecret].map((text) =>
    headerUrlEncode ? encodeURIComponent(text) : text,
  );
  const body = new URLSearchParams({ grant_type: "client_credentials", ...(scope && { scope }) });
  const { status, text } = await post(tokenEndpointUrl, {
    method: "POST",
    headers: {
      accept: "application/json",
      authorization: `Basic ${Buffer.from(`${id}:${key}`).toString("base64")}`,
    },
    body,
    // A redirection would take the secret elsewhere.
    redirect: "error",
    signal: AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs))),
  });
  const answer = parsed(text);
  if (status !== 200) {
    const { error = "", error_description = "" } = answer;
    const why = [error, error_description].filter((part) => part !== "").join(": ");
    const about = `the token endpoint answers with status ${status}${why === "" ? "" : `: ${why}`}`;
    throw failure(about, status >= 500 || status === 429 || status === 408);
  }
  const value = answer.access_token ?? answer.id_token;
  if (typeof value !== "string") throw failure("the token endpoint answers without a token", true);
  return { value, lifetimeMs: lifetimeMsOf(value, answer.expires_in) };
}

async function post(url: string, init: RequestInit): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, init);
    return { status: response.status, text: await response.text() };
  } catch (error) {
    // The message of `fetch` is always "fetch failed"; the reason is in the cause.
    const { cause = error } = error as { cause?: unknown };
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = typeof code === "string" ? code : message;
    throw failure(`the token endpoint can't be reached: ${why}`, true, error);
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** What the issuer says, or else the token itself; 0 if neither does. */
function lifetimeMsOf(token: string, expiresIn: unknown): number {
  const seconds = Number(expiresIn);
  if (seconds > 0) return seconds * 1_000;
  const claims = parsed(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  return typeof claims.exp === "number" ? Math.max(0, claims.exp * 1_000 - Date.now()) : 0;
}

function failure(message: string, retriable: boolean, cause?: unknown): ClientError {
  return new ClientError("TARPAN_SASL", message, { retriable, cause });
}
