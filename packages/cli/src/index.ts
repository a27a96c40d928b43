export * from "@tarpan/broker";
