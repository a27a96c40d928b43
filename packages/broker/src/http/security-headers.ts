/** For browsers, which may show an answer to an operator, or to a page of another site. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** A port that speaks TLS speaks nothing else. */
export const TLS_HEADERS: Readonly<Record<string, string>> = {
  "strict-transport-security": "max-age=31536000",
};
