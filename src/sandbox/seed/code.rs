//! The shop's code, as it is at the beginning.

pub(super) const INDEX: &str = r#"import { createServer } from "./api/server.js";

const port = Number(process.env.PORT ?? 8080);

createServer().listen(port, () => {
  console.log(`shop listens on ${port}`);
});
"#;

pub(super) const SERVER: &str = r#"import express, { type Express } from "express";

import { articles } from "./routes/articles.js";
import { carts } from "./routes/carts.js";

export function createServer(): Express {
  const app = express();
  app.use(express.json({ limit: "100kb" }));
  app.use("/articles", articles());
  app.use("/carts", carts());
  return app;
}
"#;

pub(super) const ARTICLES: &str = r#"import { Router } from "express";

import { all, find } from "../../catalogue.js";

export function articles(): Router {
  const router = Router();
  router.get("/", (request, response) => {
    const wanted = String(request.query.name ?? "").toLowerCase();
    response.json(all().filter((article) => article.name.toLowerCase().includes(wanted)));
  });
  router.get("/:sku", (request, response) => {
    const article = find(request.params.sku);
    if (article === undefined) {
      response.status(404).json({ error: "no such article" });
      return;
    }
    response.json(article);
  });
  return router;
}
"#;

pub(super) const CARTS: &str = r#"import { Router } from "express";
import { z } from "zod";

import { Cart } from "../../cart.js";
import { total } from "../../checkout/total.js";

const line = z.object({ sku: z.string(), quantity: z.number().int().min(1).max(999) });
const open = new Map<string, Cart>();

export function carts(): Router {
  const router = Router();
  router.post("/", (_request, response) => {
    const cart = new Cart();
    open.set(cart.id, cart);
    response.status(201).json({ id: cart.id });
  });
  router.post("/:id/lines", (request, response) => {
    const cart = open.get(request.params.id);
    const parsed = line.safeParse(request.body);
    if (cart === undefined || !parsed.success) {
      response.status(cart === undefined ? 404 : 400).json({ error: "cannot be added" });
      return;
    }
    cart.add(parsed.data.sku, parsed.data.quantity);
    response.json(cart.lines);
  });
  router.post("/:id/checkout", (request, response) => {
    const cart = open.get(request.params.id);
    if (cart === undefined) {
      response.status(404).json({ error: "no such cart" });
      return;
    }
    response.json({ total: total(cart, request.body?.code) });
  });
  return router;
}
"#;

pub(super) const CART: &str = r#"import { randomUUID } from "node:crypto";

import { find } from "./catalogue.js";

export interface Line {
  sku: string;
  quantity: number;
  /** What one piece costs, in cents. */
  price: number;
}

export class Cart {
  readonly id = randomUUID();
  readonly lines: Line[] = [];

  add(sku: string, quantity: number): void {
    const article = find(sku);
    if (article === undefined) {
      throw new Error(`no article ${sku}`);
    }
    const line = this.lines.find((line) => line.sku === sku);
    if (line === undefined) {
      this.lines.push({ sku, quantity, price: article.price });
    } else {
      line.quantity += quantity;
    }
  }

  /** In cents, before anything is taken off or put on. */
  sum(): number {
    return this.lines.reduce((sum, line) => sum + line.quantity * line.price, 0);
  }
}
"#;

pub(super) const CATALOGUE: &str = r#"export interface Article {
  sku: string;
  name: string;
  /** In cents. */
  price: number;
  /** In grams. */
  weight: number;
}

const ARTICLES: Article[] = [
  { sku: "cup-blue", name: "Blue cup", price: 1290, weight: 340 },
  { sku: "cup-green", name: "Green cup", price: 1290, weight: 340 },
  { sku: "pot-large", name: "Large teapot", price: 4995, weight: 1210 },
  { sku: "tea-assam", name: "Assam, 250 g", price: 899, weight: 265 },
  { sku: "tea-sencha", name: "Sencha, 100 g", price: 1149, weight: 112 },
];

export function all(): readonly Article[] {
  return ARTICLES;
}

export function find(sku: string): Article | undefined {
  return ARTICLES.find((article) => article.sku === sku);
}
"#;

pub(super) const CART_TEST: &str = r#"import assert from "node:assert/strict";
import { test } from "node:test";

import { Cart } from "../src/cart.js";

test("adds the same article to one line", () => {
  const cart = new Cart();
  cart.add("cup-blue", 1);
  cart.add("cup-blue", 2);
  assert.equal(cart.lines.length, 1);
  assert.equal(cart.sum(), 3870);
});

test("refuses an article that does not exist", () => {
  assert.throws(() => new Cart().add("cup-red", 1), /no article cup-red/);
});
"#;
