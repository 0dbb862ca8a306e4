//! #42: a review that is under way, with 14 comments, of which 4 began threads that are resolved.

use super::model::Verdict;
use super::seed_reviews::Desk;

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

pub(crate) fn fill(desk: &mut Desk<'_>) {
    desk.request.description = concat!(
        "The checkout rounds each line, each discount and each tax, and the errors add up. ",
        "An order in September was 7 cents off.\n\n",
        "This introduces `Money`, which keeps fractions of a cent, and rounds once, where a ",
        "customer sees the total.\n\n",
        "* `src/money` is new; `round.ts` moved there\n",
        "* `tests/fixtures/rounding.json` has 200 carts of the last year\n",
        "* the lock file is updated on the way\n\n",
        "See `docs/rounding.md` for what changes for customers.",
    )
    .into();
    talk(desk);
    code(desk);
    papers(desk);
    desk.verdict("ben", 3 * DAY + 90, Verdict::Approved);
}

fn talk(desk: &mut Desk<'_>) {
    let first = desk.says(
        "ana",
        2 * HOUR,
        "Thank you, this is much easier to follow than what we have. I will go through the tests \
         this week.",
    );
    desk.reply("cleo", 2 * HOUR + 20, first, "No hurry, 2.4.1 is planned for the end of November.");
}

fn code(desk: &mut Desk<'_>) {
    let rate = desk.inline(
        "ben",
        3 * HOUR,
        "src/money/money.ts",
        "Math.round(rate * 100)",
        "`Math.round` on the rate drops everything after two digits. Is 33.333 % a rate that can \
         happen?",
    );
    desk.reply("cleo", 5 * HOUR, rate, "Not today: codes are whole per cent, and tax is 19.");
    desk.reply("ben", DAY, rate, "Then please refuse other rates instead of rounding them.");

    let order = desk.inline(
        "ana",
        DAY + HOUR,
        "src/checkout/total.ts",
        "const reduced",
        "Discount before tax: do we have a test that would notice if somebody swapped the two?",
    );
    desk.reply("cleo", DAY + 2 * HOUR, order, "Yes, \"takes FRIENDS off before the tax\".");
    desk.resolve("ana", DAY + 3 * HOUR, order);

    let unused = desk.inline(
        "ben",
        DAY + 4 * HOUR,
        "src/money/money.ts",
        "isAtLeast(",
        "Nobody calls this. Remove it, or use it for `FREE_FROM`?",
    );
    desk.task("ben", DAY + 4 * HOUR + 1, unused, "Remove `isAtLeast`, or use it");

    // On a line that is gone: of an earlier version of the diff.
    let gone = desk.inline(
        "ana",
        DAY + 5 * HOUR,
        "src/checkout/total.ts",
        "no line has this",
        "This loop was hard to read anyway.",
    );
    desk.amend(gone, |comment| {
        if let Some(inline) = &mut comment.inline {
            inline.from = Some(11);
            inline.outdated = true;
        }
    });
}

fn papers(desk: &mut Desk<'_>) {
    let office = desk.inline(
        "gus",
        2 * DAY,
        "docs/rounding.md",
        "as the tax office wants it",
        "Do we have that in writing? Support gets asked.",
    );
    desk.resolve("cleo", 2 * DAY + 30, office);

    let floor = desk.inline(
        "ana",
        2 * DAY + HOUR,
        "tests/money.test.ts",
        "Math.floor(Number(",
        "`cents()` is whole already, so `Math.floor` does nothing here.",
    );
    desk.resolve("cleo", 2 * DAY + 2 * HOUR, floor);

    let changes = desk.inline(
        "ana",
        2 * DAY + 3 * HOUR,
        "CHANGELOG.md",
        "2.4.1 (not released)",
        "Please say in one sentence what a customer notices.",
    );
    desk.resolve("ana", 3 * DAY, changes);
    desk.task("ana", 2 * DAY + 3 * HOUR + 1, None, "Mention the change in the changelog");
    desk.done("cleo", 2 * DAY + 5 * HOUR);

    desk.inline(
        "ben",
        3 * DAY + HOUR,
        "package.json",
        "\"big.js\"",
        "What is `big.js` for? `Money` does not import it.",
    );
    // About a whole file.
    desk.inline(
        "gus",
        3 * DAY + 2 * HOUR,
        "package-lock.json",
        "no line has this",
        "Eight updates in here have nothing to do with rounding. On purpose?",
    );
}
