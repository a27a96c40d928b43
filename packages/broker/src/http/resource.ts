export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Asked {
  readonly query: URLSearchParams;
  /** What stood in the place of `:id`, decoded; "" in a path without it. */
  readonly id: string;
  /** Reads the body as JSON. Rejects with HttpError. */
  readonly body: () => Promise<unknown>;
}

export type Route = (asked: Asked) => Answer | Promise<Answer>;

/** GET, which serves HEAD too, only reads; the other methods change something. */
export const METHODS = ["GET", "POST", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

/** One path, where a part `:id` stands for any, with what can be done there. */
export interface Resource extends Readonly<Partial<Record<Method, Route>>> {
  readonly path: string;
}

export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = `${JSON.stringify(value, null, 2)}\n`;
  return { status, contentType: "application/json; charset=utf-8", body, headers };
}
