"""A small JavaScript package (Node, no dependencies installed): carts and prices. One test fails."""

import re

from tasks.kit import Commit, Task, call, contains, number, prints, says, sets, suite_passes

FIRST = {
    "README.md": "# skiff\n\nCarts and prices of a shop.\n\n    npm test\n    node bin/quote.js 3 12.5\n",
    "package.json": """{
  "name": "skiff",
  "version": "2.3.1",
  "type": "commonjs",
  "engines": { "node": ">=18" },
  "scripts": {
    "test": "node --test",
    "lint": "eslint src --max-warnings 0",
    "quote": "node bin/quote.js"
  },
  "dependencies": {
    "express": "^4.19.2",
    "pino": "^9.1.0",
    "zod": "^3.23.8",
    "undici": "^6.18.1"
  },
  "devDependencies": {
    "eslint": "^9.4.0",
    "prettier": "^3.3.0"
  }
}
""",
    "src/money.js": """'use strict';

const SYMBOLS = { EUR: '€', USD: '$', GBP: '£', CHF: 'Fr.' };

/** Cents as text, for example 1250 -> "12.50 €". */
function formatMoney(cents, currency = 'EUR') {
  return `${(cents / 100).toFixed(2)} ${SYMBOLS[currency]}`;
}

module.exports = { formatMoney, SYMBOLS };
""",
    "src/cart.js": """'use strict';

class Cart {
  constructor() {
    this.lines = [];
  }

  add(sku, cents, quantity = 1) {
    if (!Number.isInteger(quantity) || quantity < 1) {
      throw new RangeError('quantity must be a positive whole number');
    }
    this.lines.push({ sku, cents, quantity });
  }

  total() {
    return this.lines.reduce((sum, line) => sum + line.cents, 0);
  }
}

module.exports = { Cart };
""",
    "src/shipping.js": """'use strict';

const FREE_FROM_CENTS = 4900;
const FLAT_CENTS = 495;

/** Above the free limit nothing is charged; islands cost double. */
function shippingCost(totalCents, island = false) {
  if (totalCents >= FREE_FROM_CENTS) return 0;
  return island ? FLAT_CENTS * 2 : FLAT_CENTS;
}

module.exports = { shippingCost };
""",
    "src/session.js": """'use strict';

const TTL_MINUTES = 45;

function isStale(session, now) {
  return now - session.touched > TTL_MINUTES * 60 * 1000;
}

module.exports = { isStale };
""",
    "bin/quote.js": """#!/usr/bin/env node
'use strict';

const { formatMoney } = require('../src/money');
const { shippingCost } = require('../src/shipping');

const [pieces, price] = process.argv.slice(2).map(Number);
const goods = Math.round(pieces * price * 100);
console.log(`goods ${formatMoney(goods)}, shipping ${formatMoney(shippingCost(goods))}`);
""",
    "config/default.json": """{
  "port": 3000,
  "logLevel": "info",
  "session": { "secure": false, "cookie": "sid" },
  "rateLimit": { "window": 60, "max": 120 }
}
""",
    "test/shipping.test.js": """'use strict';

const test = require('node:test');
const assert = require('node:assert');
const { shippingCost } = require('../src/shipping');

test('free from the limit on', () => assert.strictEqual(shippingCost(4900), 0));
test('islands cost double', () => assert.strictEqual(shippingCost(100, true), 990));
""",
}
SECOND = {
    "test/cart.test.js": """'use strict';

const test = require('node:test');
const assert = require('node:assert');
const { Cart } = require('../src/cart');

test('the total counts every piece', () => {
  const cart = new Cart();
  cart.add('mug', 800, 3);
  cart.add('tea', 450);
  assert.strictEqual(cart.total(), 2850);
});
""",
}
COMMITS = (
    Commit("Lena Vogt", 5, "Money, carts, shipping", FIRST),
    Commit("Lena Vogt", 12, "Test of the cart's total", SECOND),
)
NEEDS = ("node",)

TASKS = (
    Task(
        "skiff-find-money",
        "find",
        "¿En qué archivo está definida la función formatMoney?",
        (says("money.js", never=(re.compile(r"quote\.js.{0,40}defin|defin\w* (in|en) \W*(bin/)?quote"),)),),
        (call("search", pattern="formatMoney"), "Está en src/money.js, línea 6."),
        language="es",
    ),
    Task(
        "skiff-find-error",
        "find",
        "where do we throw a RangeError? file and method please",
        (says("cart.js", "add"),),
        (call("search", pattern="RangeError"), "In src/cart.js, in Cart.add (line 10)."),
    ),
    Task(
        "skiff-read-lint",
        "read",
        "What does `npm run lint` execute?",
        (says("eslint src --max-warnings 0"),),
        (call("read", path="package.json"), "It runs `eslint src --max-warnings 0`."),
    ),
    Task(
        "skiff-read-ttl",
        "read",
        "After how many minutes is a session stale in this code?",
        (says(number(45)),),
        (call("read", path="src/session.js"), "After 45 minutes (src/session.js, line 3)."),
    ),
    Task(
        "skiff-count-deps",
        "count",
        "How many runtime dependencies (not dev) does package.json list?",
        (says(number(4)),),
        (call("read", path="package.json"), "Four: express, pino, zod and undici."),
    ),
    Task(
        "skiff-explain-shipping",
        "explain",
        "Explain shippingCost in src/shipping.js: what does an island pay, and from which total is it free?",
        (
            says(
                ("double", "twice", "990", "9.90", "* 2", "two times", "2x"), (*number(4900), *number(49)[:4])
            ),
        ),
        (
            call("read", path="src/shipping.js"),
            "Islands pay double, 990 cents; from 4900 cents on it is free.",
        ),
    ),
    Task(
        "skiff-edit-port",
        "edit",
        "Ändere in config/default.json den Port auf 8088.",
        (sets("config/default.json", {"port": 8088}),),
        (call("edit", path="config/default.json", old='"port": 3000', new='"port": 8088'), "Port ist 8088."),
        changes=("config/default.json",),
        language="de",
    ),
    Task(
        "skiff-edit-secure",
        "edit",
        "session cookies should be secure by default. change that in the config",
        (sets("config/default.json", {"session.secure": True}),),
        (
            call("search", pattern="secure"),
            call("edit", path="config/default.json", old='"secure": false', new='"secure": true'),
            "Done: session.secure is true in config/default.json.",
        ),
        changes=("config/default.json",),
    ),
    Task(
        "skiff-edit-currency",
        "edit",
        "Add the Swedish krona (SEK, symbol 'kr') to SYMBOLS in src/money.js",
        (
            prints(
                ("node", "-e", "console.log(require('./src/money').formatMoney(500, 'SEK'))"),
                exactly="5.00 kr",
            ),
            prints(
                (
                    "node",
                    "-e",
                    "const m = require('./src/money'); console.log(Object.keys(m.SYMBOLS).length)",
                ),
                exactly="5",
            ),
        ),
        (
            call("edit", path="src/money.js", old="CHF: 'Fr.' }", new="CHF: 'Fr.', SEK: 'kr' }"),
            "SEK is there now.",
        ),
        changes=("src/money.js",),
    ),
    Task(
        "skiff-create-slug",
        "create",
        "Create src/slug.js. It exports a function slugify(text) (module.exports = { slugify }) that makes "
        "the text lower case and replaces spaces with hyphens.",
        (
            prints(
                ("node", "-e", "console.log(require('./src/slug').slugify('Blue Tea Mug'))"),
                exactly="blue-tea-mug",
            ),
        ),
        (
            call(
                "write",
                path="src/slug.js",
                content="'use strict';\n\nfunction slugify(text) {\n"
                "  return text.toLowerCase().replace(/ /g, '-');\n}\n\nmodule.exports = { slugify };\n",
            ),
            "src/slug.js exports slugify.",
        ),
        changes=("src/slug.js",),
    ),
    Task(
        "skiff-run-quote",
        "run",
        "Run node bin/quote.js 7 5.95 and tell me what the shipping costs.",
        (says((*number(4.95), "495"), never=("0.00",)),),
        (call("shell", command="node bin/quote.js 7 5.95"), "Shipping costs 4.95 €."),
    ),
    Task(
        "skiff-steps-fix",
        "steps",
        "npm test fails. Please fix the bug in the source.",
        (
            suite_passes(("node", "--test")),
            prints(
                (
                    "node",
                    "-e",
                    "const {Cart} = require('./src/cart'); const c = new Cart();"
                    "c.add('a', 5, 4); c.add('b', 1); console.log(c.total())",
                ),
                exactly="21",
            ),
        ),
        (
            call("shell", command="npm test"),
            call("read", path="src/cart.js"),
            call(
                "edit", path="src/cart.js", old="sum + line.cents,", new="sum + line.cents * line.quantity,"
            ),
            "total() forgot the quantity; it is multiplied now.",
        ),
        changes=("src/cart.js",),
    ),
    Task(
        "skiff-steps-free",
        "steps",
        "Shipping should be free from 39 euros on. Find where the limit is set, and change it. "
        "The test of the limit must be changed too.",
        (
            prints(
                (
                    "node",
                    "-e",
                    "const s = require('./src/shipping').shippingCost;"
                    "console.log(s(3899), s(3900), s(1, true))",
                ),
                exactly="495 0 990",
            ),
            contains("test/shipping.test.js", "3900", never=("4900",), loses=1),
            prints(("node", "--test", "test/shipping.test.js")),
        ),
        (
            call("search", pattern="4900"),
            call("edit", path="src/shipping.js", old="FREE_FROM_CENTS = 4900", new="FREE_FROM_CENTS = 3900"),
            call("edit", path="test/shipping.test.js", old="shippingCost(4900)", new="shippingCost(3900)"),
            "Shipping is free from 3900 cents on, in the source and in the test.",
        ),
        changes=("src/shipping.js", "test/shipping.test.js"),
    ),
)
