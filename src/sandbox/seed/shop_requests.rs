//! The shop's pull requests of the summer and autumn. Most are merged.

use super::history::Author::{Ana, Ben, Cleo, Dmitri};
use super::history::{
    Edit::{Append, Replace},
    End::{Declined, Merged, Open, Squashed},
    Request, write,
};
use super::lock_file::{lock_file, updated};
use super::shop::request;

/// Number 1 to 41, in order.
pub(super) fn requests() -> Vec<Request> {
    let mut requests = summer();
    requests.extend(autumn());
    requests.extend(super::shop_open::november());
    requests
}

fn summer() -> Vec<Request> {
    vec![
        request(
            1,
            Ana,
            "feature/health",
            "Answer health checks",
            "2026-07-01T08:10:00Z",
            Squashed("2026-07-01T15:30:00Z"),
            vec![
                write(
                    "src/api/routes/health.ts",
                    "import { Router } from \"express\";\n\nexport function health(): Router {\n  \
                     return Router().get(\"/\", (_request, response) => {\n    \
                     response.json({ status: \"ok\" });\n  });\n}\n",
                ),
                Replace(
                    "src/api/server.ts",
                    "import { carts } from \"./routes/carts.js\";\n",
                    "import { carts } from \"./routes/carts.js\";\nimport { health } from \"./routes/health.js\";\n",
                ),
                Replace(
                    "src/api/server.ts",
                    "  return app;\n",
                    "  app.use(\"/health\", health());\n  return app;\n",
                ),
            ],
        ),
        request(
            2,
            Dmitri,
            "fix/readme-port",
            "Say how to choose the port",
            "2026-07-03T09:00:00Z",
            Squashed("2026-07-03T11:12:00Z"),
            vec![Replace(
                "README.md",
                "The shop listens on port 8080. ",
                "The shop listens on port 8080, or on `PORT`. ",
            )],
        ),
        request(
            3,
            Ben,
            "feature/articles-by-weight",
            "List articles by weight",
            "2026-07-06T07:45:00Z",
            Merged("2026-07-07T16:00:00Z"),
            vec![Append(
                "src/catalogue.ts",
                "\n/** The lightest first. */\nexport function byWeight(): Article[] {\n  \
                 return [...ARTICLES].sort((one, other) => one.weight - other.weight);\n}\n",
            )],
        ),
        request(
            4,
            Cleo,
            "docs/returns",
            "Explain returns",
            "2026-07-09T10:31:00Z",
            Squashed("2026-07-09T13:00:00Z"),
            vec![Append(
                "docs/architecture.md",
                "\n## Returns\n\nA return names the order it belongs to and never exceeds it.\n",
            )],
        ),
        request(
            5,
            Dmitri,
            "experiment/graphql",
            "Try GraphQL",
            "2026-07-13T12:00:00Z",
            Declined("2026-07-20T08:00:00Z", false),
            vec![write(
                "src/api/graphql.ts",
                "export const schema = `type Query { articles: [String] }`;\n",
            )],
        ),
        request(
            6,
            Ana,
            "chore/node-22",
            "Move to Node 22",
            "2026-07-21T09:20:00Z",
            Squashed("2026-07-21T14:05:00Z"),
            vec![write(".nvmrc", "22\n")],
        ),
        request(
            7,
            Ben,
            "feature/cart-remove",
            "Take articles out of a cart",
            "2026-07-23T08:00:00Z",
            Squashed("2026-07-24T09:40:00Z"),
            vec![Replace(
                "src/cart.ts",
                "  /** In cents, before",
                "  remove(sku: string): void {\n    const at = this.lines.findIndex((line) => line.sku === sku);\n    \
                 if (at >= 0) {\n      this.lines.splice(at, 1);\n    }\n  }\n\n  /** In cents, before",
            )],
        ),
        request(
            8,
            Cleo,
            "test/cart-remove",
            "Test taking articles out of a cart",
            "2026-07-27T11:11:00Z",
            Squashed("2026-07-27T12:50:00Z"),
            vec![Append(
                "tests/cart.test.ts",
                "\ntest(\"takes an article out\", () => {\n  const cart = new Cart();\n  \
                 cart.add(\"cup-blue\", 1);\n  cart.remove(\"cup-blue\");\n  assert.equal(cart.sum(), 0);\n});\n",
            )],
        ),
        request(
            9,
            Ana,
            "feature/codes-in-lower-case",
            "Accept discount codes in lower case",
            "2026-08-03T08:30:00Z",
            Squashed("2026-08-04T10:00:00Z"),
            vec![Replace(
                "src/checkout/discount.ts",
                "CODES[code ?? \"\"]",
                "CODES[(code ?? \"\").toUpperCase()]",
            )],
        ),
        request(
            10,
            Ben,
            "fix/limit-bodies",
            "Refuse bodies over 20 kB",
            "2026-08-06T14:00:00Z",
            Squashed("2026-08-07T07:30:00Z"),
            vec![Replace("src/api/server.ts", "\"100kb\"", "\"20kb\"")],
        ),
        request(
            11,
            Cleo,
            "experiment/bun",
            "Run on Bun",
            "2026-08-10T09:09:00Z",
            Declined("2026-08-12T09:09:00Z", true),
            vec![write("bunfig.toml", "[install]\nexact = true\n")],
        ),
        request(
            12,
            Ana,
            "feature/orders-api",
            "List a person's orders",
            "2026-08-17T08:00:00Z",
            Merged("2026-08-19T17:10:00Z"),
            vec![
                write(
                    "src/api/v1/handlers/orders.ts",
                    "export interface Order {\n  id: string;\n  /** In cents. */\n  total: number;\n}\n\n\
                     const placed = new Map<string, Order[]>();\n\n\
                     export function ordersOf(person: string): Order[] {\n  return placed.get(person) ?? [];\n}\n",
                ),
                Replace(
                    "docs/api.md",
                    "| `POST /carts/:id/checkout` | pays |\n",
                    "| `POST /carts/:id/checkout` | pays |\n| `GET /v1/orders` | what the person has bought |\n",
                ),
            ],
        ),
    ]
}

fn autumn() -> Vec<Request> {
    vec![
        request(
            13,
            Dmitri,
            "docs/api-errors",
            "Document the error answers",
            "2026-08-24T10:00:00Z",
            Squashed("2026-08-24T16:20:00Z"),
            vec![Append(
                "docs/api.md",
                "\n400 means the request, 404 the address, 409 the state of a cart.\n",
            )],
        ),
        request(
            14,
            Ben,
            "docs/pricing",
            "Say what the price lists are for",
            "2026-08-31T08:20:00Z",
            Squashed("2026-08-31T09:00:00Z"),
            vec![write("pricing/README.md", "# Pricing\n\nPrice lists, shared with the till.\n")],
        ),
        request(
            15,
            Ana,
            "chore/editor-settings",
            "Agree on editor settings",
            "2026-09-02T07:00:00Z",
            Squashed("2026-09-02T07:30:00Z"),
            vec![write(
                ".editorconfig",
                "root = true\n\n[*]\nend_of_line = lf\nindent_size = 2\nindent_style = space\n",
            )],
        ),
        request(
            16,
            Ben,
            "feature/wish-lists",
            "Keep wish lists",
            "2026-09-07T13:00:00Z",
            Declined("2026-09-21T08:00:00Z", false),
            vec![write("src/wish-list.ts", "export const wishes: string[] = [];\n")],
        ),
        request(
            17,
            Cleo,
            "feature/darjeeling",
            "Sell Darjeeling",
            "2026-09-22T09:15:00Z",
            Squashed("2026-09-22T12:00:00Z"),
            vec![Replace(
                "src/catalogue.ts",
                "  { sku: \"tea-sencha\"",
                "  { sku: \"tea-darjeeling\", name: \"Darjeeling, 100 g\", price: 1349, weight: 114 },\n  { sku: \"tea-sencha\"",
            )],
        ),
        request(
            18,
            Ana,
            "fix/blank-name",
            "Find everything for a blank name",
            "2026-09-25T10:45:00Z",
            Squashed("2026-09-25T13:00:00Z"),
            vec![Replace(
                "src/api/routes/articles.ts",
                "?? \"\").toLowerCase()",
                "?? \"\").trim().toLowerCase()",
            )],
        ),
        request(
            19,
            Ben,
            "docs/übergröße",
            "Explain oversize parcels",
            "2026-09-28T08:08:00Z",
            Squashed("2026-09-28T11:30:00Z"),
            vec![Append(
                "docs/größen-und-gewichte.md",
                "\nÜbergröße kostet 49,00 € und geht nur per Spedition.\n",
            )],
        ),
        request(
            20,
            Cleo,
            "experiment/deno",
            "Run on Deno",
            "2026-10-01T09:00:00Z",
            Declined("2026-10-05T09:00:00Z", true),
            vec![write(
                "deno.json",
                "{\n  \"tasks\": { \"start\": \"deno run src/index.ts\" }\n}\n",
            )],
        ),
        request(
            21,
            Ana,
            "chore/update-debug",
            "Update debug",
            "2026-10-12T09:30:00Z",
            Squashed("2026-10-12T10:30:00Z"),
            vec![write("package-lock.json", lock_file("2.3.0", &updated()))],
        ),
        request(
            22,
            Dmitri,
            "feature/currency",
            "Write amounts with their currency",
            "2026-10-14T14:00:00Z",
            Squashed("2026-10-15T09:00:00Z"),
            vec![write(
                "src/currency.ts",
                "/** 1925 as \"19.25 EUR\". */\nexport function written(cents: number): string {\n  \
                 return `${(cents / 100).toFixed(2)} EUR`;\n}\n",
            )],
        ),
        request(
            23,
            Dmitri,
            "feature/loyalty-points",
            "Collect loyalty points",
            "2026-10-16T08:00:00Z",
            Declined("2026-10-30T15:00:00Z", false),
            vec![write("src/loyalty.ts", "export const POINTS_PER_EURO = 2;\n")],
        ),
        request(
            24,
            Ben,
            "feature/search-by-weight",
            "Search articles by weight",
            "2026-10-19T08:00:00Z",
            Open,
            vec![write(
                "src/search.ts",
                "import { byWeight, type Article } from \"./catalogue.js\";\n\n\
                 export function lighterThan(grams: number): Article[] {\n  \
                 return byWeight().filter((article) => article.weight < grams);\n}\n",
            )],
        ),
        request(
            25,
            Ana,
            "chore/without-zod",
            "Do without zod",
            "2026-10-20T10:00:00Z",
            Declined("2026-10-21T10:00:00Z", false),
            vec![Replace("package.json", ",\n    \"zod\": \"^3.23.8\"", "")],
        ),
        request(
            26,
            Cleo,
            "docs/glossary",
            "Begin a glossary",
            "2026-10-22T12:00:00Z",
            Open,
            vec![write(
                "docs/glossary.md",
                "# Glossary\n\n**Line**: one article in a cart, with its quantity.\n",
            )],
        ),
        request(
            27,
            Ana,
            "feature/free-from-75",
            "Send orders from 75.00 on for nothing",
            "2026-10-26T08:00:00Z",
            Merged("2026-10-28T16:45:00Z"),
            vec![Replace("src/checkout/shipping.ts", "FREE_FROM = 5000", "FREE_FROM = 7500")],
        ),
    ]
}
