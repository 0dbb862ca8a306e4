//! How clients that nobody set up by hand become known: by registering themselves, or by a document that
//! their client id points to. Both are third parties.

mod document;
mod dynamic;
mod metadata;

pub(super) use dynamic::register;
