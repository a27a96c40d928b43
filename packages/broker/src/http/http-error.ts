/** An error of the HTTP request or server, with its status. The broker's own are AdminErrors. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "HttpError";
    this.status = status;
  }
}
