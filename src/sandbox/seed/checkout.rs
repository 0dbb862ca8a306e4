//! The shop's checkout, as it is at the beginning.

pub(super) const TOTAL: &str = r#"import type { Cart } from "../cart.js";
import { round } from "../util/round.js";
import { discount } from "./discount.js";
import { shipping } from "./shipping.js";
import { tax } from "./tax.js";

/** What is to be paid, in cents. */
export function total(cart: Cart, code?: string): number {
  let sum = 0;
  for (const line of cart.lines) {
    const net = round(line.quantity * line.price);
    const reduced = round(net - discount(net, code));
    sum += round(reduced + tax(reduced));
  }
  return round(sum + shipping(cart));
}
"#;

pub(super) const TAX: &str = r#"import { round } from "../util/round.js";

/** The rate in per cent. */
export const RATE = 19;

/** The tax on a net amount, in cents. */
export function tax(net: number): number {
  return round((net * RATE) / 100);
}
"#;

pub(super) const DISCOUNT: &str = r#"import { round } from "../util/round.js";

/** What each code takes off, in per cent. */
const CODES: Record<string, number> = {
  WELCOME: 10,
  FRIENDS: 15,
};

/** What a code takes off an amount, in cents. */
export function discount(amount: number, code?: string): number {
  const percent = CODES[code ?? ""] ?? 0;
  return round((amount * percent) / 100);
}
"#;

pub(super) const SHIPPING: &str = r#"import type { Cart } from "../cart.js";
import { find } from "../catalogue.js";

/** Shipping is free from here on, in cents. */
export const FREE_FROM = 5000;

const BY_WEIGHT = [
  { upTo: 1000, price: 390 },
  { upTo: 5000, price: 690 },
  { upTo: 31500, price: 1490 },
];

/** What sending the cart costs, in cents. */
export function shipping(cart: Cart): number {
  if (cart.lines.length === 0 || cart.sum() >= FREE_FROM) {
    return 0;
  }
  const weight = cart.lines.reduce(
    (sum, line) => sum + line.quantity * (find(line.sku)?.weight ?? 0),
    0,
  );
  return BY_WEIGHT.find((step) => weight <= step.upTo)?.price ?? 4900;
}
"#;

pub(super) const ROUND: &str = r#"/** Rounds half up. */
export function round(amount: number): number {
  return Math.floor(amount + 0.5);
}
"#;

pub(super) const CHECKOUT_TEST: &str = r#"import assert from "node:assert/strict";
import { test } from "node:test";

import { Cart } from "../src/cart.js";
import { total } from "../src/checkout/total.js";

function cartOf(...lines: [string, number][]): Cart {
  const cart = new Cart();
  for (const [sku, quantity] of lines) {
    cart.add(sku, quantity);
  }
  return cart;
}

test("an empty cart costs nothing", () => {
  assert.equal(total(cartOf()), 0);
});

test("adds tax and shipping", () => {
  assert.equal(total(cartOf(["cup-blue", 1])), 1925);
});

test("takes a discount off first", () => {
  assert.equal(total(cartOf(["cup-blue", 1]), "WELCOME"), 1772);
});

test("sends large orders for nothing", () => {
  assert.equal(total(cartOf(["pot-large", 2])), 11888);
});
"#;
