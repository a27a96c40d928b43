/** The header with a record's order key, where that is not the record's key. */
export const ORDER_KEY = "tarpan-order-key";
