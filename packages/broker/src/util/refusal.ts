/** What was asked for can't be done; the answer is `status` and the message. */
export class Refusal extends Error {
  readonly status: number;
  /** Of the request's body, where one field is at fault. */
  readonly field: string | null;

  constructor(status: number, message: string, field: string | null = null) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.field = field;
  }
}
