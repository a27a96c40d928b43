/** A coordinator can't serve a request; every part of the response gets `errorCode`. */
export class CoordinatorError extends Error {
  readonly errorCode: number;

  constructor(errorCode: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "CoordinatorError";
    this.errorCode = errorCode;
  }
}
