/** An error of the HTTP request or server, with its status. The broker's own are AdminErrors. */
export class HttpError extends Error {
  readonly status: number;
  /** Sent beside the message. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "HttpError";
    this.status = status;
    this.headers = headers;
  }
}
