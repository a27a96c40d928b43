import { ClientError } from "../errors.ts";
import type { BearerToken, TokenProvider } from "./security.ts";

const TOKEN = /^[-_~+/.A-Za-z0-9]+=*$/;
const NAME = /^[A-Za-z]+$/;
const VALUE = /^[\x21-\x7e \t\r\n]+$/;

/** Rejects with TARPAN_SASL if the provider fails, or has no token that can be sent, in time. */
export async function askForToken(
  provider: TokenProvider,
  timeoutMs: number,
): Promise<BearerToken> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const why = `it took longer than ${timeoutMs} ms`;
    timer = setTimeout(() => reject(new Error(why)), timeoutMs);
  });
  try {
    return checked(await Promise.race([Promise.resolve().then(provider), late]));
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    // A failure that the provider itself calls final is final.
    const retriable = !(error instanceof ClientError) || error.retriable;
    const about = "oauthBearerProvider gave no token";
    throw new ClientError("TARPAN_SASL", `${about}: ${message}`, { cause: error, retriable });
  } finally {
    clearTimeout(timer);
  }
}

/** Another character could begin an extension that nobody gave. Tokens are not shown. */
function checked(token: BearerToken): BearerToken {
  const { value, extensions = {} } = token ?? {};
  if (typeof value !== "string" || !TOKEN.test(value)) {
    throw new ClientError("TARPAN_SASL", "value must be a token as in RFC 6750");
  }
  for (const [name, text] of Object.entries(extensions)) {
    if (name !== "auth" && NAME.test(name) && VALUE.test(text)) continue;
    throw new ClientError("TARPAN_SASL", `its extension ${name} is not one of RFC 7628`);
  }
  return token;
}
