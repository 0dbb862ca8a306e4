//! Pull request 42 of the shop: the one that is worth a review.
//!
//! Twelve files and 970 changed lines, of which 412 are in the lock file.

use std::fmt::Write;

use super::super::git::Result;
use super::history::{Author, Edit, End, History, write};
use super::lock_file::{lock_file, updated};
use super::shop::request as opened;

/// Opens it, as three commits.
pub(super) fn request(history: &mut History) -> Result<()> {
    const BRANCH: &str = "feature/checkout-rounding";
    let main = history.tip()?;
    let cleo = Author::Cleo;
    let first = history.commit_to(
        BRANCH,
        Some(main.clone()),
        cleo,
        "2026-11-12T09:14:00Z",
        "Add an amount type that keeps fractions of a cent\n\nIt is not used yet.\n",
        &[
            write("src/money/money.ts", MONEY),
            Edit::Move("src/util/round.ts", "src/money/round.ts"),
            Edit::Replace("src/checkout/total.ts", "../util/round.js", "../money/round.js"),
            Edit::Replace("src/checkout/tax.ts", "../util/round.js", "../money/round.js"),
            Edit::Replace("src/checkout/discount.ts", "../util/round.js", "../money/round.js"),
            write("tests/money.test.ts", MONEY_TEST),
        ],
    )?;
    let second = history.commit_to(
        BRANCH,
        Some(first),
        cleo,
        "2026-11-12T15:40:00Z",
        "Round once, at the end of the checkout\n",
        &[
            write("src/checkout/total.ts", TOTAL),
            write("src/checkout/tax.ts", TAX),
            write("src/checkout/discount.ts", DISCOUNT),
            Edit::Append("tests/checkout.test.ts", CHECKOUT_TEST),
            write("tests/fixtures/rounding.json", cases()),
        ],
    )?;
    let third = history.commit_to(
        BRANCH,
        Some(second),
        cleo,
        "2026-11-13T08:02:00Z",
        "Document the rounding, and prepare 2.4.1\n",
        &[
            write("docs/rounding.md", ROUNDING),
            write("package-lock.json", locked()),
            Edit::Replace("package.json", "\"version\": \"2.4.0\"", "\"version\": \"2.4.1\""),
            Edit::Replace(
                "package.json",
                "    \"express\": \"^4.21.2\",\n",
                "    \"big.js\": \"^6.2.2\",\n    \"express\": \"^4.21.2\",\n",
            ),
            Edit::Replace("CHANGELOG.md", "# Changelog\n", CHANGES),
        ],
    )?;
    let title = "Round checkout totals once, at the end";
    let request = opened(42, cleo, BRANCH, title, "2026-11-13T08:10:00Z", End::Open, Vec::new());
    history.end(request, third, main)
}

/// The lock file with forty packages more, and eight of the old ones updated.
fn locked() -> String {
    const UPDATED: &[&str] =
        &["accepts", "bytes", "cookie", "etag", "fresh", "qs", "send", "statuses"];
    const ADDED: &str = "big.js acorn ansi-styles argparse balanced-match brace-expansion braces \
         callsites chalk color-convert color-name concat-map cross-spawn deep-is doctrine esquery \
         estraverse esutils fast-deep-equal fastq fill-range find-up flat-cache flatted glob-parent \
         globals graphemer has-flag ignore import-fresh is-extglob is-glob isexe js-yaml \
         json-buffer keyv levn locate-path lodash.merge micromatch";
    let mut packages: Vec<(&str, &str)> = updated()
        .into_iter()
        .map(|(name, version)| (name, if UPDATED.contains(&name) { "9.0.1" } else { version }))
        .collect();
    packages.extend(ADDED.split_whitespace().map(|name| (name, "6.2.2")));
    lock_file("2.4.1", &packages)
}

/// Carts with what they cost before and after, for the tests.
fn cases() -> String {
    let mut text = String::from("[\n");
    for number in 1..=CASES {
        let net = 97 * number + 13;
        let comma = if number == CASES { "" } else { "," };
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "  {{ \"net\": {net}, \"percent\": {}, \"expected\": {} }}{comma}",
            number % 4 * 5,
            net * (100 - number % 4 * 5) / 100
        );
    }
    text.push_str("]\n");
    text
}

const CASES: u32 = 360;

const MONEY: &str = r#"import { round } from "./round.js";

/** How many parts a cent has. */
const PARTS = 10_000n;

/**
 * An amount of money that keeps fractions of a cent.
 *
 * Amounts are only ever rounded by `cents()`, and that is called once, when a customer sees them.
 */
export class Money {
  private constructor(private readonly parts: bigint) {}

  static readonly nothing = new Money(0n);

  /** A whole number of cents. */
  static fromCents(cents: number): Money {
    if (!Number.isSafeInteger(cents)) {
      throw new RangeError(`${cents} is not a whole number of cents`);
    }
    return new Money(BigInt(cents) * PARTS);
  }

  /** Reads "19.25". */
  static parse(text: string): Money {
    const match = /^(-?)(\d+)\.(\d{2})$/.exec(text);
    if (match === null) {
      throw new RangeError(`${text} is not an amount`);
    }
    const cents = Number(match[2]) * 100 + Number(match[3]);
    return Money.fromCents(match[1] === "-" ? -cents : cents);
  }

  plus(other: Money): Money {
    return new Money(this.parts + other.parts);
  }

  minus(other: Money): Money {
    return new Money(this.parts - other.parts);
  }

  times(quantity: number): Money {
    if (!Number.isSafeInteger(quantity)) {
      throw new RangeError(`${quantity} is not a whole number`);
    }
    return new Money(this.parts * BigInt(quantity));
  }

  /** A share in per cent, exact to a ten-thousandth of a cent. */
  percent(rate: number): Money {
    return new Money((this.parts * BigInt(Math.round(rate * 100))) / 10_000n);
  }

  isAtLeast(other: Money): boolean {
    return this.parts >= other.parts;
  }

  equals(other: Money): boolean {
    return this.parts === other.parts;
  }

  /** Whole cents, rounded half up. */
  cents(): number {
    return round(Number(this.parts) / Number(PARTS));
  }

  toString(): string {
    return (this.cents() / 100).toFixed(2);
  }
}

export function sum(amounts: Iterable<Money>): Money {
  let total = Money.nothing;
  for (const amount of amounts) {
    total = total.plus(amount);
  }
  return total;
}
"#;

const TOTAL: &str = r#"import type { Cart } from "../cart.js";
import { Money, sum } from "../money/money.js";
import { discount } from "./discount.js";
import { shipping } from "./shipping.js";
import { tax } from "./tax.js";

/** What is to be paid, in cents. Nothing before this is rounded. */
export function total(cart: Cart, code?: string): number {
  const lines = cart.lines.map((line) => {
    const net = Money.fromCents(line.price).times(line.quantity);
    const reduced = net.minus(discount(net, code));
    return reduced.plus(tax(reduced));
  });
  return sum(lines).plus(Money.fromCents(shipping(cart))).cents();
}
"#;

const TAX: &str = r#"import type { Money } from "../money/money.js";

/** The rate in per cent. */
export const RATE = 19;

/** The tax on a net amount, not rounded. */
export function tax(net: Money): Money {
  return net.percent(RATE);
}
"#;

const DISCOUNT: &str = r#"import type { Money } from "../money/money.js";

/** What each code takes off, in per cent. */
const CODES: Record<string, number> = {
  WELCOME: 10,
  FRIENDS: 15,
};

/** What a code takes off an amount, not rounded. */
export function discount(amount: Money, code?: string): Money {
  const percent = CODES[(code ?? "").toUpperCase()] ?? 0;
  return amount.percent(percent);
}
"#;

const CHECKOUT_TEST: &str = r#"
test("rounds once for many lines", () => {
  const cart = cartOf(["tea-assam", 1], ["tea-sencha", 1], ["cup-blue", 1]);
  assert.equal(total(cart), 4362);
});

test("takes FRIENDS off before the tax", () => {
  assert.equal(total(cartOf(["tea-assam", 3]), "FRIENDS"), 3118);
});
"#;

const MONEY_TEST: &str = r#"import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Money, sum } from "../src/money/money.js";

interface Case {
  net: number;
  percent: number;
  expected: number;
}

test("adds and takes away", () => {
  const one = Money.fromCents(1290);
  const other = Money.fromCents(390);
  assert.equal(one.plus(other).cents(), 1680);
  assert.equal(one.minus(other).cents(), 900);
});

test("keeps fractions until the end", () => {
  const third = Money.fromCents(100).percent(33.33);
  assert.equal(sum([third, third, third]).cents(), 100);
});

test("rounds half up", () => {
  assert.equal(Money.fromCents(1).percent(50).cents(), 1);
  assert.equal(Money.fromCents(1).percent(49).cents(), 0);
});

test("reads what it writes", () => {
  for (const text of ["0.00", "19.25", "-3.05"]) {
    assert.equal(Money.parse(text).toString(), text);
  }
});

test("refuses what is not an amount", () => {
  assert.throws(() => Money.parse("19,25"), RangeError);
  assert.throws(() => Money.fromCents(0.5), RangeError);
  assert.throws(() => Money.fromCents(1).times(1.5), RangeError);
});

test("agrees with the carts of the last year", () => {
  const cases = JSON.parse(readFileSync("tests/fixtures/rounding.json", "utf8")) as Case[];
  for (const { net, percent, expected } of cases) {
    const amount = Money.fromCents(net);
    assert.equal(Math.floor(Number(amount.minus(amount.percent(percent)).cents())), expected);
  }
});
"#;

const ROUNDING: &str = r#"# Rounding

Until 2.4.0 the checkout rounded four times: each line, each discount, each tax, and the total. With
many lines the errors added up, by as much as 7 cents in an order of last September.

From 2.4.1 on there is one rule:

> An amount is rounded when a customer sees it, and not before.

`Money` keeps ten-thousandths of a cent, which is enough for a discount in per cent followed by a
tax in per cent. `cents()` rounds half up, as the tax office wants it.

## What changes for customers

Orders with one line cost what they did. Others may differ by a few cents, in both directions.

## What does not change

- Prices in the catalogue are whole cents.
- Shipping is a whole number of cents.
- Old orders are never computed again.
"#;

const CHANGES: &str = r#"# Changelog

## 2.4.1 (not released)

- Totals are rounded once, at the end; see `docs/rounding.md`.
"#;
