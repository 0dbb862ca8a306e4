//! The official conformance suite against the built binary, with the tools that it has.

use crate::clients::play;

#[test]
fn the_server_conforms_to_both_eras_of_the_protocol() {
    let suite = "node_modules/@modelcontextprotocol/conformance";
    play("conformance", suite, "conform.mjs", &[]);
}
