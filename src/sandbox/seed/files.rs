//! The shop's files that are not code: documents, settings, pictures.

pub(super) const README: &str = r#"# Shop

The web shop of Acme: a small TypeScript server, and a Rust crate that knows the prices.

## Getting started

    npm ci
    npm test
    npm start

The shop listens on port 8080. Set `SHOP_DATABASE` to keep orders anywhere but in memory.

## Where things are

| folder | what is in it |
|---|---|
| `src/checkout` | totals, taxes, discounts, shipping |
| `src/api` | the HTTP routes |
| `pricing` | the price lists, in Rust |
| `docs` | how it is built, and why |

Releases are made with `scripts/release.sh`.
"#;

pub(super) const PACKAGE: &str = r#"{
  "name": "shop",
  "version": "2.3.0",
  "private": true,
  "type": "module",
  "scripts": {
    "build": "tsc -p .",
    "start": "node dist/index.js",
    "test": "node --test dist/tests"
  },
  "dependencies": {
    "express": "^4.21.2",
    "zod": "^3.23.8"
  },
  "devDependencies": {
    "typescript": "^5.6.3"
  }
}
"#;

pub(super) const TYPESCRIPT: &str = r#"{
  "compilerOptions": {
    "target": "es2022",
    "module": "nodenext",
    "strict": true,
    "outDir": "dist"
  },
  "include": ["src", "tests"]
}
"#;

pub(super) const IGNORED: &str = "/dist\n/node_modules\n/pricing/target\n.env\n";

pub(super) const ATTRIBUTES: &str = "*.psd filter=lfs diff=lfs merge=lfs -text\n";

pub(super) const PIPELINES: &str = r#"image: node:22

pipelines:
  default:
    - step:
        name: Test
        caches: [node]
        script:
          - npm ci
          - npm run build
          - npm test
  branches:
    main:
      - step:
          name: Test
          script: [npm ci, npm run build, npm test]
      - step:
          name: Deploy to staging
          deployment: staging
          script: [./scripts/release.sh staging]
  custom:
    nightly:
      - step:
          name: Load test
          script: [./scripts/load.sh]
"#;

pub(super) const RELEASE: &str = r#"#!/bin/sh
# Builds the shop and hands it to the servers of one environment.
set -eu

environment=${1:?usage: release.sh staging|production}

npm ci
npm run build
tar -czf "shop-$environment.tar.gz" dist package.json
echo "built shop-$environment.tar.gz"
"#;

pub(super) const ARCHITECTURE: &str = r#"# Architecture

A request passes through four layers, and each knows only the next:

1. `src/api` reads HTTP and answers it.
2. `src/cart.ts` and `src/checkout` hold the rules.
3. `src/catalogue.ts` knows the articles.
4. `pricing` knows what they cost. It is compiled to WebAssembly.

## Money

Amounts are whole cents. Nothing is ever a fraction of a cent, except in between.

## Orders

An order is a cart that was paid. It never changes; a return is an order of its own with negative
amounts.
"#;

pub(super) const API: &str = r#"# HTTP API

| method and path | what it does |
|---|---|
| `GET /articles` | lists the catalogue |
| `GET /articles/:sku` | one article |
| `POST /carts` | begins a cart |
| `POST /carts/:id/lines` | puts something in |
| `POST /carts/:id/checkout` | pays |

Errors are JSON: `{"error": "sentence"}`.
"#;

pub(super) const SIZES: &str = r#"# Größen und Gewichte

Maße stehen in Millimetern, Gewichte in Gramm. „Übergröße“ heißt: länger als 1 200 mm.

| Größe | Länge | Gewicht |
|---|---|---|
| klein | bis 350 | bis 1 000 |
| mittel | bis 600 | bis 5 000 |
| groß | bis 1 200 | bis 31 500 |
"#;

pub(super) const CHANGES: &str = r#"# Changelog

## 2.3.0 (2026-10-12)

- Shipping is free from 50.00 on.
- Articles can be found by a part of their name.

## 2.2.0 (2026-08-03)

- Discount codes.
"#;

/// A small picture: the shop's logo, one pixel wide and one high.
pub(super) const LOGO: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0xc9, 0xfe, 0x92, 0xef, 0, 0, 0, 0, b'I',
    b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// What git stores of a file that Git LFS keeps elsewhere.
pub(super) const HERO: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 18874368\n";

pub(super) const PRICING_PACKAGE: &str = r#"[package]
name = "pricing"
version = "0.4.0"
edition = "2024"

[lib]
crate-type = ["cdylib", "rlib"]
"#;

pub(super) const PRICING: &str = r#"//! Price lists.

/// What one piece costs, in cents, at a quantity.
pub fn unit_price(list: &[(u32, u64)], quantity: u32) -> Option<u64> {
    list.iter().rev().find(|(from, _)| *from <= quantity).map(|(_, cents)| *cents)
}

#[cfg(test)]
mod tests {
    use super::unit_price;

    #[test]
    fn gets_cheaper_in_bulk() {
        let list = [(1, 500), (10, 450), (100, 390)];
        assert_eq!(unit_price(&list, 1), Some(500));
        assert_eq!(unit_price(&list, 99), Some(450));
        assert_eq!(unit_price(&list, 0), None);
    }
}
"#;
