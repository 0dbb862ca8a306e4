//! `setup guide`: for somebody who has nothing yet.

use serde_json::Value;

use crate::child::program;

#[test]
fn says_with_a_domain_alone_how_to_get_what_all_else_needs() {
    let guide = |arguments: &[&str]| {
        let arguments = [&["setup", "guide"], arguments].concat();
        let output = program(&arguments).env("AUTH0_DOMAIN", "acme.eu.auth0.com").output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    };
    let said = guide(&[]);
    for line in [
        "1. Make an OAuth consumer at Bitbucket",
        "   - Callback URL, exactly: https://acme.eu.auth0.com/login/callback",
        "       Pull requests: Write (`pullrequest:write`)",
        "2. Make a machine-to-machine application at Auth0",
        "       create:connections ",
        "`AUTH0_DOMAIN=acme.eu.auth0.com`",
        "4. Check, plan, apply, test",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert!(!said.contains("update:tenant_settings"), "{said}");
    let http: Value = serde_json::from_str(&guide(&["--for", "http", "--json"])).unwrap();
    assert_eq!(http["callback_url"], "https://acme.eu.auth0.com/login/callback");
    let scopes = http["management_scopes"].as_array().unwrap();
    assert!(scopes.contains(&"update:tenant_settings".into()));
    assert_eq!(http["steps"].as_array().unwrap().len(), 4);
}

#[test]
fn reads_the_tenant_where_the_settings_say_how() {
    let output = program(&["setup", "guide", "--sandbox"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("the settings name one already"), "{said}");
    assert!(said.contains("- Callback URL, exactly: http://127.0.0.1:"), "{said}");
}

#[test]
fn cannot_guess_a_domain() {
    let output = program(&["setup", "guide"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("AUTH0_DOMAIN"), "{said}");
}
